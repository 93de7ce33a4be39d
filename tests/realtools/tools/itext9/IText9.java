import com.itextpdf.forms.PdfAcroForm;
import com.itextpdf.forms.fields.SignatureFormFieldBuilder;
import com.itextpdf.forms.form.element.SignatureFieldAppearance;
import com.itextpdf.io.font.constants.StandardFonts;
import com.itextpdf.kernel.font.PdfFontFactory;
import com.itextpdf.kernel.geom.Rectangle;
import com.itextpdf.kernel.pdf.PdfDocument;
import com.itextpdf.kernel.pdf.PdfReader;
import com.itextpdf.kernel.pdf.PdfString;
import com.itextpdf.kernel.pdf.PdfVersion;
import com.itextpdf.kernel.pdf.PdfWriter;
import com.itextpdf.kernel.pdf.StampingProperties;
import com.itextpdf.kernel.pdf.WriterProperties;
import com.itextpdf.kernel.pdf.annot.PdfTextAnnotation;
import com.itextpdf.kernel.pdf.canvas.PdfCanvas;
import com.itextpdf.layout.Document;
import com.itextpdf.layout.element.Paragraph;
import com.itextpdf.signatures.AccessPermissions;
import com.itextpdf.signatures.BouncyCastleDigest;
import com.itextpdf.signatures.CrlClientOffline;
import com.itextpdf.signatures.ICrlClient;
import com.itextpdf.signatures.LtvVerification;
import com.itextpdf.signatures.PdfPadesSigner;
import com.itextpdf.signatures.PdfSigner;
import com.itextpdf.signatures.PrivateKeySignature;
import com.itextpdf.signatures.SignatureUtil;
import com.itextpdf.signatures.SignerProperties;
import com.itextpdf.signatures.TSAClientBouncyCastle;
import java.io.FileOutputStream;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.X509CRL;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** iText 9. Actions: sign, stamp, ltv, pades (level=B|T|LT|LTA), paper, field, annotate, write, fill. */
final class IText9 {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Jobs.serve(IText9::run);
    }

    private static void run(Map<String, String> job) throws Exception {
        switch (job.get("action")) {
            case "sign", "stamp" -> sign(job);
            case "pades" -> pades(job);
            case "ltv" -> ltv(job);
            case "paper" -> paper(job);
            case "field", "annotate", "write", "fill" -> change(job);
            default -> throw new IllegalArgumentException(job.get("action"));
        }
    }

    private static SignerProperties properties(Map<String, String> job) {
        SignerProperties made = new SignerProperties().setFieldName(job.get("field"));
        float[] rect = Jobs.rectangle(job);
        if (rect != null) {
            made.setPageNumber(Jobs.number(job, "page", 1));
            made.setPageRect(new Rectangle(rect[0], rect[1], rect[2] - rect[0], rect[3] - rect[1]));
        }
        if (rect != null || job.containsKey("existing")) {
            made.setSignatureAppearance(new SignatureFieldAppearance(SignerProperties.IGNORED_ID).setContent("Da ky"));
        }
        if (job.containsKey("reason")) {
            made.setReason(job.get("reason")).setLocation("Thanh pho");
        }
        made.setCertificationLevel(switch (Jobs.number(job, "certify", 0)) {
            case 1 -> AccessPermissions.NO_CHANGES_PERMITTED;
            case 2 -> AccessPermissions.FORM_FIELDS_MODIFICATION;
            case 3 -> AccessPermissions.ANNOTATION_MODIFICATION;
            default -> AccessPermissions.UNSPECIFIED;
        });
        return made;
    }

    private static List<ICrlClient> lists(Map<String, String> job) throws Exception {
        List<ICrlClient> found = new ArrayList<>();
        for (X509CRL crl : Jobs.crls(job)) {
            found.add(new CrlClientOffline(crl.getEncoded()));
        }
        return found;
    }

    private static StampingProperties appending() {
        return new StampingProperties().useAppendMode();
    }

    private static void sign(Map<String, String> job) throws Exception {
        PdfSigner signer = new PdfSigner(new PdfReader(job.get("in")), new FileOutputStream(job.get("out")), appending());
        TSAClientBouncyCastle tsa = job.containsKey("tsa") ? new TSAClientBouncyCastle(job.get("tsa")) : null;
        if (job.get("action").equals("stamp")) {
            signer.timestamp(tsa, job.get("field"));
            return;
        }
        Jobs.Keys keys = new Jobs.Keys(job.get("p12"));
        signer.setSignerProperties(properties(job));
        List<ICrlClient> lists = lists(job);
        signer.signDetached(new BouncyCastleDigest(), new PrivateKeySignature(
                keys.key, "SHA256", "BC"),
            keys.chain, lists.isEmpty() ? null : lists, null, tsa, 0, PdfSigner.CryptoStandard.CADES);
    }

    private static void pades(Map<String, String> job) throws Exception {
        Jobs.Keys keys = new Jobs.Keys(job.get("p12"));
        PdfPadesSigner signer = new PdfPadesSigner(new PdfReader(job.get("in")), new FileOutputStream(job.get("out")));
        List<ICrlClient> lists = lists(job);
        if (!lists.isEmpty()) {
            signer.setCrlClient((certificate, url) -> {
                List<byte[]> all = new ArrayList<>();
                for (ICrlClient each : lists) {
                    all.addAll(each.getEncoded(certificate, url));
                }
                return all;
            });
        }
        signer.setStampingProperties(appending());
        TSAClientBouncyCastle tsa = job.containsKey("tsa") ? new TSAClientBouncyCastle(job.get("tsa")) : null;
        Certificate[] chain = keys.chain;
        switch (job.get("level")) {
            case "B" -> signer.signWithBaselineBProfile(properties(job), chain, keys.key);
            case "T" -> signer.signWithBaselineTProfile(properties(job), chain, keys.key, tsa);
            case "LT" -> signer.signWithBaselineLTProfile(properties(job), chain, keys.key, tsa);
            default -> signer.signWithBaselineLTAProfile(properties(job), chain, keys.key, tsa);
        }
    }

    private static void ltv(Map<String, String> job) throws Exception {
        try (PdfDocument document = new PdfDocument(new PdfReader(job.get("in")), new PdfWriter(job.get("out")), appending())) {
            LtvVerification store = new LtvVerification(document);
            List<byte[]> lists = new ArrayList<>();
            List<byte[]> certificates = new ArrayList<>();
            for (X509CRL crl : Jobs.crls(job)) {
                lists.add(crl.getEncoded());
            }
            for (var certificate : Jobs.certificates(job)) {
                certificates.add(certificate.getEncoded());
            }
            for (String name : new SignatureUtil(document).getSignatureNames()) {
                store.addVerification(name, List.of(), lists, certificates);
            }
            store.merge();
        }
    }

    private static void paper(Map<String, String> job) throws Exception {
        WriterProperties how = new WriterProperties();
        if (job.containsKey("two")) {
            how.setPdfVersion(PdfVersion.PDF_2_0);
        }
        how.setFullCompressionMode(job.containsKey("packed"));
        try (PdfDocument pdf = new PdfDocument(new PdfWriter(job.get("out"), how)); Document document = new Document(pdf)) {
            if (job.containsKey("tagged")) {
                pdf.setTagged();
            }
            for (int at = 0; at < Jobs.number(job, "pages", 1) * 30; at++) {
                document.add(new Paragraph("Can cu nghi dinh ve cong tac van thu " + at));
            }
        }
    }

    private static void change(Map<String, String> job) throws Exception {
        try (PdfDocument document = new PdfDocument(new PdfReader(job.get("in")), new PdfWriter(job.get("out")), appending())) {
            Rectangle where = new Rectangle(50, 500, 200, 50);
            switch (job.get("action")) {
                case "field" -> PdfAcroForm.getAcroForm(document, true).addField(
                    new SignatureFormFieldBuilder(document, job.get("field")).setWidgetRectangle(where).createSignature());
                case "annotate" -> document.getPage(1).addAnnotation(new PdfTextAnnotation(where).setContents(new PdfString("khac")));
                case "write" -> new PdfCanvas(document.getPage(1)).beginText()
                    .setFontAndSize(PdfFontFactory.createFont(StandardFonts.HELVETICA), 30).moveText(200, 500).showText("DA HUY").endText();
                default -> PdfAcroForm.getAcroForm(document, true).getField("so").setValue("999");
            }
        }
    }
}
