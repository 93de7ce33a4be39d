import com.lowagie.text.Rectangle;
import com.lowagie.text.pdf.PdfDate;
import com.lowagie.text.pdf.PdfDictionary;
import com.lowagie.text.pdf.PdfName;
import com.lowagie.text.pdf.PdfReader;
import com.lowagie.text.pdf.PdfSignature;
import com.lowagie.text.pdf.PdfSignatureAppearance;
import com.lowagie.text.pdf.PdfStamper;
import com.lowagie.text.pdf.PdfString;
import java.io.FileOutputStream;
import java.security.Security;
import java.util.Arrays;
import java.util.Calendar;
import java.util.HashMap;
import java.util.Map;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** OpenPDF (the free branch of iText 2, as JSignPdf and many servers use it). Action: sign. */
final class OpenPdf {
    private static final int SPACE = 4096;

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Jobs.serve(OpenPdf::sign);
    }

    private static void sign(Map<String, String> job) throws Exception {
        Jobs.Keys keys = new Jobs.Keys(job.get("p12"));
        PdfStamper stamper = PdfStamper.createSignature(
            new PdfReader(job.get("in")), new FileOutputStream(job.get("out")), '\0', null, true);
        PdfSignatureAppearance appearance = stamper.getSignatureAppearance();
        float[] rect = Jobs.rectangle(job);
        if (job.containsKey("existing")) {
            appearance.setVisibleSignature(job.get("field"));
        } else if (rect != null) {
            appearance.setVisibleSignature(new Rectangle(rect[0], rect[1], rect[2], rect[3]), 1, job.get("field"));
        }
        appearance.setCrypto(null, keys.chain, null, PdfSignatureAppearance.WINCER_SIGNED);
        appearance.setCertificationLevel(Jobs.number(job, "certify", PdfSignatureAppearance.NOT_CERTIFIED));
        PdfSignature dictionary = new PdfSignature(PdfName.ADOBE_PPKLITE, PdfName.ADBE_PKCS7_DETACHED);
        dictionary.setDate(new PdfDate(Calendar.getInstance()));
        dictionary.setName(keys.chain[0].getSubjectX500Principal().getName());
        appearance.setCryptoDictionary(dictionary);
        Map<PdfName, Integer> holes = new HashMap<>();
        holes.put(PdfName.CONTENTS, SPACE * 2 + 2);
        appearance.preClose(holes);
        CMSSignedDataGenerator made = new CMSSignedDataGenerator();
        made.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder().build("SHA256withRSA", keys.key, keys.chain[0]));
        made.addCertificates(new JcaCertStore(Arrays.asList(keys.chain)));
        byte[] covered = appearance.getRangeStream().readAllBytes();
        byte[] cms = made.generate(new CMSProcessableByteArray(covered), false).getEncoded();
        PdfDictionary filled = new PdfDictionary();
        filled.put(PdfName.CONTENTS, new PdfString(Arrays.copyOf(cms, SPACE)).setHexWriting(true));
        appearance.close(filled);
    }
}
