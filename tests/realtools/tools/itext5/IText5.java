import com.itextpdf.text.Annotation;
import com.itextpdf.text.Chunk;
import com.itextpdf.text.Document;
import com.itextpdf.text.Paragraph;
import com.itextpdf.text.Rectangle;
import com.itextpdf.text.pdf.PdfAnnotation;
import com.itextpdf.text.pdf.PdfContentByte;
import com.itextpdf.text.pdf.BaseFont;
import com.itextpdf.text.pdf.PdfFormField;
import com.itextpdf.text.pdf.PdfLayer;
import com.itextpdf.text.pdf.PdfName;
import com.itextpdf.text.pdf.PdfReader;
import com.itextpdf.text.pdf.PdfSignatureAppearance;
import com.itextpdf.text.pdf.PdfStamper;
import com.itextpdf.text.pdf.PdfWriter;
import com.itextpdf.text.pdf.TextField;
import com.itextpdf.text.pdf.security.BouncyCastleDigest;
import com.itextpdf.text.pdf.security.CrlClient;
import com.itextpdf.text.pdf.security.CrlClientOffline;
import com.itextpdf.text.pdf.security.LtvTimestamp;
import com.itextpdf.text.pdf.security.LtvVerification;
import com.itextpdf.text.pdf.security.MakeSignature;
import com.itextpdf.text.pdf.security.MakeSignature.CryptoStandard;
import com.itextpdf.text.pdf.security.PrivateKeySignature;
import com.itextpdf.text.pdf.security.TSAClient;
import com.itextpdf.text.pdf.security.TSAClientBouncyCastle;
import java.io.FileOutputStream;
import java.security.Security;
import java.security.cert.X509CRL;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** iText 5: the ancestor of most signing tools in use. Actions: sign, stamp, ltv, paper, form, annotate, write, fill. */
final class IText5 {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Jobs.serve(IText5::run);
    }

    private static void run(Map<String, String> job) throws Exception {
        switch (job.get("action")) {
            case "sign" -> sign(job);
            case "stamp" -> stamp(job);
            case "ltv" -> ltv(job);
            case "paper" -> paper(job);
            case "form" -> form(job);
            case "field", "annotate", "write", "fill" -> change(job);
            default -> throw new IllegalArgumentException(job.get("action"));
        }
    }

    private static PdfStamper signing(Map<String, String> job, PdfReader reader) throws Exception {
        return PdfStamper.createSignature(reader, new FileOutputStream(job.get("out")), '\0', null, true);
    }

    private static void sign(Map<String, String> job) throws Exception {
        Jobs.Keys keys = new Jobs.Keys(job.get("p12"));
        PdfReader reader = new PdfReader(job.get("in"));
        PdfSignatureAppearance appearance = signing(job, reader).getSignatureAppearance();
        float[] rect = Jobs.rectangle(job);
        String field = job.get("field");
        if (job.containsKey("existing")) {
            appearance.setVisibleSignature(field);
        } else if (rect != null) {
            appearance.setVisibleSignature(new Rectangle(rect[0], rect[1], rect[2], rect[3]), Jobs.number(job, "page", 1), field);
        } else if (field != null) {
            appearance.setVisibleSignature(new Rectangle(0, 0, 0, 0), 1, field);
        }
        if (job.containsKey("reason")) {
            appearance.setReason(job.get("reason"));
            appearance.setLocation("Thanh pho");
        }
        appearance.setCertificationLevel(Jobs.number(job, "certify", 0));
        TSAClient tsa = job.containsKey("tsa") ? new TSAClientBouncyCastle(job.get("tsa")) : null;
        CryptoStandard kind = "cades".equals(job.get("kind")) ? CryptoStandard.CADES : CryptoStandard.CMS;
        List<CrlClient> lists = new ArrayList<>();
        for (X509CRL crl : Jobs.crls(job)) {
            lists.add(new CrlClientOffline(crl));
        }
        MakeSignature.signDetached(appearance, new BouncyCastleDigest(),
            new PrivateKeySignature(keys.key, job.getOrDefault("digest", "SHA-256"), "BC"), keys.chain,
            lists.isEmpty() ? null : lists, null, tsa, 0, kind);
    }

    private static void stamp(Map<String, String> job) throws Exception {
        PdfSignatureAppearance appearance = signing(job, new PdfReader(job.get("in"))).getSignatureAppearance();
        LtvTimestamp.timestamp(appearance, new TSAClientBouncyCastle(job.get("tsa")), job.get("field"));
    }

    private static void ltv(Map<String, String> job) throws Exception {
        PdfStamper stamper = new PdfStamper(new PdfReader(job.get("in")), new FileOutputStream(job.get("out")), '\0', true);
        LtvVerification store = stamper.getLtvVerification();
        List<byte[]> lists = new ArrayList<>();
        List<byte[]> certificates = new ArrayList<>();
        for (X509CRL crl : Jobs.crls(job)) {
            lists.add(crl.getEncoded());
        }
        for (var certificate : Jobs.certificates(job)) {
            certificates.add(certificate.getEncoded());
        }
        for (String name : stamper.getAcroFields().getSignatureNames()) {
            store.addVerification(name, List.of(), lists, certificates);
        }
        store.merge();
        stamper.close();
    }

    private static void paper(Map<String, String> job) throws Exception {
        Document document = new Document();
        PdfWriter writer = PdfWriter.getInstance(document, new FileOutputStream(job.get("out")));
        if (job.containsKey("tagged")) {
            writer.setTagged();
        }
        if (job.containsKey("packed")) {
            writer.setFullCompression();
        }
        document.addTitle("Cong van");
        document.open();
        document.add(new Paragraph("CONG HOA XA HOI CHU NGHIA VIET NAM"));
        document.add(new Paragraph(new Chunk("Trang cua don vi").setAnchor("https://demo.invalid/")));
        if (job.containsKey("layers")) {
            PdfLayer layer = new PdfLayer("Dau", writer);
            PdfContentByte canvas = writer.getDirectContent();
            canvas.beginLayer(layer);
            canvas.rectangle(300, 300, 80, 40);
            canvas.stroke();
            canvas.endLayer();
        }
        if (job.containsKey("script")) {
            writer.addJavaScript("app.calculate = false;");
        }
        for (String name : Jobs.list(job, "fields")) {
            PdfFormField field = PdfFormField.createSignature(writer);
            float left = 50 + 150 * (name.hashCode() & 1);
            field.setWidget(new Rectangle(left, 600, left + 100, 650), null);
            field.setFieldName(name);
            field.setFlags(PdfAnnotation.FLAGS_PRINT);
            field.setPage();
            writer.addAnnotation(field);
        }
        document.close();
    }

    private static void form(Map<String, String> job) throws Exception {
        Document document = new Document();
        PdfWriter writer = PdfWriter.getInstance(document, new FileOutputStream(job.get("out")));
        document.open();
        document.add(new Paragraph("Bieu mau"));
        TextField text = new TextField(writer, new Rectangle(50, 700, 250, 720), "so");
        text.setText("100");
        writer.addAnnotation(text.getTextField());
        document.close();
    }

    private static void change(Map<String, String> job) throws Exception {
        PdfStamper stamper = new PdfStamper(new PdfReader(job.get("in")), new FileOutputStream(job.get("out")), '\0', true);
        Rectangle where = new Rectangle(50, 500, 250, 550);
        switch (job.get("action")) {
            case "field" -> stamper.addSignature(job.get("field"), 1, 50, 500, 250, 550);
            case "annotate" -> stamper.addAnnotation(
                PdfAnnotation.createText(stamper.getWriter(), where, "Ghi chu", "khac", true, "Note"), 1);
            case "write" -> {
                PdfContentByte over = stamper.getOverContent(1);
                over.beginText();
                over.setFontAndSize(BaseFont.createFont(), 30);
                over.showTextAligned(0, "DA HUY", 200, 500, 0);
                over.endText();
            }
            default -> stamper.getAcroFields().setField("so", "999");
        }
        stamper.close();
    }
}
