import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.Security;
import java.util.Arrays;
import java.util.Calendar;
import java.util.List;
import java.util.Map;
import org.apache.pdfbox.cos.COSArray;
import org.apache.pdfbox.cos.COSBase;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.cos.COSStream;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDDocumentCatalog;
import org.apache.pdfbox.pdmodel.PDEmbeddedFilesNameTreeNode;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.PDResources;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.font.PDType1Font;
import org.apache.pdfbox.pdmodel.interactive.annotation.PDAnnotationText;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureInterface;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureOptions;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.visible.PDVisibleSigProperties;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.visible.PDVisibleSignDesigner;
import org.apache.pdfbox.pdmodel.interactive.form.PDAcroForm;
import org.apache.pdfbox.pdmodel.interactive.form.PDSignatureField;
import org.apache.pdfbox.pdmodel.interactive.form.PDTextField;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.Attributes;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampResponse;

/** Apache PDFBox, signing as its published examples do. Actions: sign, stamp, ltv, form, field, annotate, write, fill, flatten. */
final class PdfBox {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Jobs.serve(PdfBox::run);
    }

    private static void run(Map<String, String> job) throws Exception {
        switch (job.get("action")) {
            case "sign", "stamp" -> sign(job);
            case "ltv" -> ltv(job);
            case "form" -> form(job);
            default -> change(job);
        }
    }

    private static void sign(Map<String, String> job) throws Exception {
        boolean stamp = job.get("action").equals("stamp");
        try (PDDocument document = Version.open(new File(job.get("in"))); OutputStream out = new FileOutputStream(job.get("out"))) {
            PDSignature signature = new PDSignature();
            PDAcroForm form = document.getDocumentCatalog().getAcroForm();
            if (job.containsKey("existing") && form != null && form.getField(job.get("field")) instanceof PDSignatureField field) {
                field.getCOSObject().setItem(COSName.V, signature);
            }
            signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
            if (stamp) {
                signature.setType(COSName.getPDFName("DocTimeStamp"));
                signature.setSubFilter(COSName.getPDFName("ETSI.RFC3161"));
                document.addSignature(signature, content -> token(content.readAllBytes(), job.get("tsa")));
                document.saveIncremental(out);
                return;
            }
            signature.setSubFilter(PDSignature.SUBFILTER_ADBE_PKCS7_DETACHED);
            signature.setName("Nguoi ky");
            signature.setLocation("Thanh pho");
            signature.setReason(job.getOrDefault("reason", "Phat hanh"));
            signature.setSignDate(Calendar.getInstance());
            if (Jobs.number(job, "certify", 0) > 0) {
                certify(document, signature, Jobs.number(job, "certify", 0));
            }
            Jobs.Keys keys = new Jobs.Keys(job.get("p12"));
            SignatureInterface maker = content -> cms(content.readAllBytes(), keys, job.get("tsa"));
            SignatureOptions options = new SignatureOptions();
            float[] rect = Jobs.rectangle(job);
            if (rect != null && !job.containsKey("existing")) {
                PDVisibleSignDesigner look = new PDVisibleSignDesigner(document, picture(), 1);
                look.xAxis(rect[0]).yAxis(rect[1]).width(rect[2] - rect[0]).height(rect[3] - rect[1]).signatureFieldName(job.getOrDefault("field", "Signature1"));
                PDVisibleSigProperties properties = new PDVisibleSigProperties();
                properties.signerName("Nguoi ky").signatureReason("Phat hanh").preferredSize(0).page(1).visualSignEnabled(true).setPdVisibleSignature(look);
                properties.buildSignature();
                options.setVisualSignature(properties.getVisibleSignature());
                options.setPage(0);
            }
            options.setPreferredSignatureSize(SignatureOptions.DEFAULT_SIGNATURE_SIZE);
            document.addSignature(signature, maker, options);
            document.saveIncremental(out);
        }
    }

    private static BufferedImage picture() {
        BufferedImage made = new BufferedImage(100, 50, BufferedImage.TYPE_INT_ARGB);
        made.createGraphics().setColor(Color.RED);
        made.createGraphics().fillRect(10, 10, 80, 30);
        return made;
    }

    /** As SigUtils.setMDPPermission of the examples. */
    private static void certify(PDDocument document, PDSignature signature, int level) {
        COSDictionary parameters = new COSDictionary();
        parameters.setItem(COSName.TYPE, COSName.getPDFName("TransformParams"));
        parameters.setInt(COSName.P, level);
        parameters.setName(COSName.V, "1.2");
        parameters.setNeedToBeUpdated(true);
        COSDictionary reference = new COSDictionary();
        reference.setItem(COSName.TYPE, COSName.getPDFName("SigRef"));
        reference.setItem(COSName.getPDFName("TransformMethod"), COSName.getPDFName("DocMDP"));
        reference.setItem(COSName.getPDFName("DigestMethod"), COSName.getPDFName("SHA1"));
        reference.setItem(COSName.getPDFName("TransformParams"), parameters);
        reference.setNeedToBeUpdated(true);
        COSArray references = new COSArray();
        references.add(reference);
        signature.getCOSObject().setItem(COSName.getPDFName("Reference"), references);
        references.setNeedToBeUpdated(true);
        COSDictionary catalog = document.getDocumentCatalog().getCOSObject();
        COSDictionary permissions = new COSDictionary();
        catalog.setItem(COSName.getPDFName("Perms"), permissions);
        permissions.setItem(COSName.getPDFName("DocMDP"), signature);
        catalog.setNeedToBeUpdated(true);
        permissions.setNeedToBeUpdated(true);
    }

    private static byte[] cms(byte[] content, Jobs.Keys keys, String tsa) throws java.io.IOException {
        try {
            CMSSignedDataGenerator made = new CMSSignedDataGenerator();
            String how = keys.key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
            made.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder().build(how, keys.key, keys.chain[0]));
            made.addCertificates(new JcaCertStore(Arrays.asList(keys.chain)));
            CMSSignedData signed = made.generate(new CMSProcessableByteArray(content), false);
            if (tsa != null) {
                SignerInformation signer = signed.getSignerInfos().iterator().next();
                ASN1EncodableVector vector = new ASN1EncodableVector();
                vector.add(new Attribute(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken,
                    new DERSet(ASN1Primitive.fromByteArray(token(signer.getSignature(), tsa)))));
                SignerInformation stamped = SignerInformation.replaceUnsignedAttributes(signer, new AttributeTable(new Attributes(vector)));
                signed = CMSSignedData.replaceSigners(signed, new SignerInformationStore(List.of(stamped)));
            }
            return signed.getEncoded();
        } catch (java.io.IOException error) {
            throw error;
        } catch (Exception error) {
            throw new java.io.IOException(error);
        }
    }

    private static byte[] token(byte[] content, String tsa) throws java.io.IOException {
        try {
            TimeStampRequestGenerator asking = new TimeStampRequestGenerator();
            asking.setCertReq(true);
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
            byte[] asked = asking.generate(NISTObjectIdentifiers.id_sha256, digest, java.math.BigInteger.valueOf(System.nanoTime())).getEncoded();
            HttpRequest request = HttpRequest.newBuilder(URI.create(tsa)).header("Content-Type", "application/timestamp-query")
                .POST(HttpRequest.BodyPublishers.ofByteArray(asked)).build();
            byte[] answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray()).body();
            return new TimeStampResponse(answer).getTimeStampToken().getEncoded();
        } catch (Exception error) {
            throw new java.io.IOException(error);
        }
    }

    /** A document security store without entries of signatures, as the published example writes one. */
    private static void ltv(Map<String, String> job) throws Exception {
        try (PDDocument document = Version.open(new File(job.get("in"))); OutputStream out = new FileOutputStream(job.get("out"))) {
            PDDocumentCatalog catalog = document.getDocumentCatalog();
            catalog.getCOSObject().setNeedToBeUpdated(true);
            COSDictionary store = catalog.getCOSObject().getCOSDictionary(COSName.getPDFName("DSS"));
            if (store == null) {
                store = new COSDictionary();
                store.setDirect(false);
                catalog.getCOSObject().setItem(COSName.getPDFName("DSS"), store);
            }
            store.setNeedToBeUpdated(true);
            COSArray certificates = array(store, "Certs");
            COSArray lists = array(store, "CRLs");
            COSDictionary entries = store.getCOSDictionary(COSName.getPDFName("VRI"));
            if (entries == null) {
                entries = new COSDictionary();
                store.setItem(COSName.getPDFName("VRI"), entries);
            }
            entries.setNeedToBeUpdated(true);
            COSArray own = new COSArray();
            COSArray ownLists = new COSArray();
            for (var certificate : Jobs.certificates(job)) {
                COSBase stream = stream(document, certificate.getEncoded());
                certificates.add(stream);
                own.add(stream);
            }
            for (var crl : Jobs.crls(job)) {
                COSBase stream = stream(document, crl.getEncoded());
                lists.add(stream);
                ownLists.add(stream);
            }
            for (PDSignature signature : document.getSignatureDictionaries()) {
                byte[] digest = MessageDigest.getInstance("SHA-1").digest(signature.getContents());
                COSDictionary entry = new COSDictionary();
                entry.setItem(COSName.getPDFName("Cert"), own);
                entry.setItem(COSName.getPDFName("CRL"), ownLists);
                entry.setDate(COSName.getPDFName("TU"), Calendar.getInstance());
                entry.setNeedToBeUpdated(true);
                entries.setItem(COSName.getPDFName(hex(digest)), entry);
            }
            document.saveIncremental(out);
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder made = new StringBuilder();
        for (byte each : bytes) {
            made.append(String.format("%02X", each));
        }
        return made.toString();
    }

    private static COSArray array(COSDictionary store, String name) {
        COSArray found = store.getCOSArray(COSName.getPDFName(name));
        if (found == null) {
            found = new COSArray();
            found.setDirect(false);
            store.setItem(COSName.getPDFName(name), found);
        }
        found.setNeedToBeUpdated(true);
        return found;
    }

    private static COSStream stream(PDDocument document, byte[] data) throws Exception {
        COSStream made = document.getDocument().createCOSStream();
        try (OutputStream out = made.createOutputStream(COSName.FLATE_DECODE)) {
            out.write(data);
        }
        made.setNeedToBeUpdated(true);
        return made;
    }

    private static void form(Map<String, String> job) throws Exception {
        try (PDDocument document = new PDDocument()) {
            PDPage page = new PDPage(PDRectangle.A4);
            document.addPage(page);
            PDAcroForm form = new PDAcroForm(document);
            document.getDocumentCatalog().setAcroForm(form);
            PDResources resources = new PDResources();
            resources.put(COSName.getPDFName("Helv"), Version.font());
            form.setDefaultResources(resources);
            form.setDefaultAppearance("/Helv 12 Tf 0 g");
            PDTextField text = new PDTextField(form);
            text.setPartialName("so");
            text.setDefaultAppearance("/Helv 12 Tf 0 g");
            form.getFields().add(text);
            text.getWidgets().get(0).setRectangle(new PDRectangle(50, 700, 200, 20));
            text.getWidgets().get(0).setPage(page);
            page.getAnnotations().add(text.getWidgets().get(0));
            text.setValue("100");
            document.save(job.get("out"));
        }
    }

    private static void change(Map<String, String> job) throws Exception {
        try (PDDocument document = Version.open(new File(job.get("in"))); OutputStream out = new FileOutputStream(job.get("out"))) {
            PDPage page = document.getPage(0);
            PDDocumentCatalog catalog = document.getDocumentCatalog();
            catalog.getCOSObject().setNeedToBeUpdated(true);
            switch (job.get("action")) {
                case "annotate" -> {
                    PDAnnotationText note = new PDAnnotationText();
                    note.setContents("khac");
                    note.setRectangle(new PDRectangle(50, 500, 200, 50));
                    var all = page.getAnnotations();
                    all.add(note);
                    page.setAnnotations(all);
                    note.getCOSObject().setNeedToBeUpdated(true);
                    page.getCOSObject().setNeedToBeUpdated(true);
                }
                case "write" -> {
                    try (PDPageContentStream over = new PDPageContentStream(document, page, PDPageContentStream.AppendMode.APPEND, true)) {
                        over.beginText();
                        over.setFont(Version.font(), 30);
                        over.newLineAtOffset(200, 500);
                        over.showText("DA HUY");
                        over.endText();
                    }
                    page.getCOSObject().setNeedToBeUpdated(true);
                    page.getResources().getCOSObject().setNeedToBeUpdated(true);
                    page.getCOSObject().getDictionaryObject(COSName.CONTENTS);
                    if (page.getCOSObject().getDictionaryObject(COSName.CONTENTS) instanceof COSArray parts) {
                        parts.setNeedToBeUpdated(true);
                        for (int at = 0; at < parts.size(); at++) {
                            if (parts.getObject(at) instanceof COSStream stream && stream.getLength() < 200) {
                                stream.setNeedToBeUpdated(true);
                            }
                        }
                    }
                }
                case "fill" -> {
                    PDTextField field = (PDTextField) catalog.getAcroForm().getField("so");
                    field.setValue("999");
                    field.getCOSObject().setNeedToBeUpdated(true);
                    field.getWidgets().get(0).getAppearance().getCOSObject().setNeedToBeUpdated(true);
                    ((COSDictionary) field.getWidgets().get(0).getAppearance().getNormalAppearance().getCOSObject()).setNeedToBeUpdated(true);
                }
                case "information" -> {
                    document.getDocumentInformation().setTitle("Khac");
                    document.getDocumentInformation().getCOSObject().setNeedToBeUpdated(true);
                }
                case "field" -> {
                    PDAcroForm form = catalog.getAcroForm();
                    if (form == null) {
                        form = new PDAcroForm(document);
                        catalog.setAcroForm(form);
                    }
                    PDSignatureField field = new PDSignatureField(form);
                    field.setPartialName(job.get("field"));
                    field.getWidgets().get(0).setRectangle(new PDRectangle(50, 500, 200, 50));
                    field.getWidgets().get(0).setPage(page);
                    form.getFields().add(field);
                    var all = page.getAnnotations();
                    all.add(field.getWidgets().get(0));
                    page.setAnnotations(all);
                    page.getCOSObject().setNeedToBeUpdated(true);
                    form.getCOSObject().setNeedToBeUpdated(true);
                    field.getCOSObject().setNeedToBeUpdated(true);
                }
                default -> throw new IllegalArgumentException(job.get("action"));
            }
            document.saveIncremental(out);
        }
    }
}
