import eu.europa.esig.dss.enumerations.CertificationPermission;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.ToBeSigned;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.PAdESTimestampParameters;
import eu.europa.esig.dss.pades.SignatureFieldParameters;
import eu.europa.esig.dss.pades.SignatureImageParameters;
import eu.europa.esig.dss.pades.SignatureImageTextParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.pdf.modifications.DefaultPdfDifferencesFinder;
import eu.europa.esig.dss.pdf.pdfbox.PdfBoxNativeObjectFactory;
import eu.europa.esig.dss.service.tsp.OnlineTSPSource;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.validation.RevocationDataVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.token.DSSPrivateKeyEntry;
import eu.europa.esig.dss.token.Pkcs12SignatureToken;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore.PasswordProtection;
import java.util.Map;

/**
 * EU DSS. Actions: sign (level=B|T|LT|LTA), extend (level), stamp, field; validate writes the simple report to out,
 * measure the CPU time of one validation.
 */
final class Dss {
    public static void main(String[] args) throws Exception {
        Jobs.serve(Dss::run);
    }

    private static void run(Map<String, String> job) throws Exception {
        PAdESService service = new PAdESService(verifier(job));
        if (job.containsKey("tsa")) {
            service.setTspSource(new OnlineTSPSource(job.get("tsa")));
        }
        DSSDocument in = new FileDocument(job.get("in"));
        DSSDocument out = switch (job.get("action")) {
            case "sign" -> sign(job, service, in);
            case "extend" -> {
                PAdESSignatureParameters parameters = new PAdESSignatureParameters();
                parameters.setSignatureLevel(level(job));
                parameters.setIncludeVRIDictionary(job.containsKey("vri"));
                yield service.extendDocument(in, parameters);
            }
            case "stamp" -> service.timestamp(in, new PAdESTimestampParameters());
            case "field" -> {
                SignatureFieldParameters field = new SignatureFieldParameters();
                field.setFieldId(job.get("field"));
                field.setOriginX(50);
                field.setOriginY(200);
                field.setWidth(100);
                field.setHeight(50);
                yield service.addNewSignatureField(in, field);
            }
            case "measure" -> {
                Files.writeString(Path.of(job.get("out")), measured(job, in));
                yield null;
            }
            case "validate" -> {
                SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(in);
                validator.setCertificateVerifier(verifier(job));
                Files.writeString(Path.of(job.get("out")), validator.validateDocument().getXmlSimpleReport());
                yield null;
            }
            default -> throw new IllegalArgumentException(job.get("action"));
        };
        if (out != null) {
            out.save(job.get("out"));
        }
    }

    /** Milliseconds of CPU and the indications, without the comparison of pictures of the pages, which costs most. */
    private static String measured(Map<String, String> job, DSSDocument in) throws Exception {
        CommonCertificateVerifier verifier = verifier(job);
        DefaultPdfDifferencesFinder finder = new DefaultPdfDifferencesFinder();
        finder.setMaximalPagesAmountForVisualComparison(0);
        PdfBoxNativeObjectFactory factory = new PdfBoxNativeObjectFactory();
        factory.setPdfDifferencesFinder(finder);
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadCpuTime();
        PDFDocumentValidator validator = new PDFDocumentValidator(in);
        validator.setPdfObjFactory(factory);
        validator.setCertificateVerifier(verifier);
        validator.setIncludeSemantics(false);
        var report = validator.validateDocument().getSimpleReport();
        double spent = (threads.getCurrentThreadCpuTime() - before) / 1e6;
        StringBuilder found = new StringBuilder();
        for (String id : report.getSignatureIdList()) {
            found.append(' ').append(report.getIndication(id));
        }
        return spent + found.toString();
    }

    private static SignatureLevel level(Map<String, String> job) {
        return SignatureLevel.valueOf("PAdES_BASELINE_" + job.getOrDefault("level", "B"));
    }

    private static CommonCertificateVerifier verifier(Map<String, String> job) throws Exception {
        CommonCertificateVerifier made = new CommonCertificateVerifier();
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        CommonCertificateSource between = new CommonCertificateSource();
        for (var certificate : Jobs.certificates(job)) {
            CertificateToken token = new CertificateToken(certificate);
            if (token.isSelfSigned()) {
                trusted.addCertificate(token);
            } else {
                between.addCertificate(token);
            }
        }
        made.setTrustedCertSources(trusted);
        made.setAdjunctCertSources(between);
        made.setCrlSource(new ExternalResourcesCRLSource(Jobs.list(job, "crls").stream().map(Dss::opened).toArray(java.io.InputStream[]::new)));
        made.setRevocationDataVerifier(RevocationDataVerifier.createEmptyRevocationDataVerifier());
        made.setCheckRevocationForUntrustedChains(true);
        made.setRevocationFallback(true);
        made.setAIASource(null);
        return made;
    }

    private static java.io.InputStream opened(String file) {
        try {
            return Files.newInputStream(Path.of(file));
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    private static DSSDocument sign(Map<String, String> job, PAdESService service, DSSDocument in) throws Exception {
        try (Pkcs12SignatureToken token = new Pkcs12SignatureToken(new File(job.get("p12")), new PasswordProtection("demo".toCharArray()))) {
            DSSPrivateKeyEntry key = token.getKeys().get(0);
            PAdESSignatureParameters parameters = new PAdESSignatureParameters();
            parameters.setSignatureLevel(level(job));
            parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
            parameters.setSigningCertificate(key.getCertificate());
            parameters.setCertificateChain(key.getCertificateChain());
            parameters.setIncludeVRIDictionary(job.containsKey("vri"));
            switch (Jobs.number(job, "certify", 0)) {
                case 1 -> parameters.setPermission(CertificationPermission.NO_CHANGE_PERMITTED);
                case 2 -> parameters.setPermission(CertificationPermission.MINIMAL_CHANGES_PERMITTED);
                case 3 -> parameters.setPermission(CertificationPermission.CHANGES_PERMITTED);
                default -> { }
            }
            SignatureImageParameters look = new SignatureImageParameters();
            float[] rect = Jobs.rectangle(job);
            if (rect != null || job.containsKey("existing")) {
                SignatureImageTextParameters text = new SignatureImageTextParameters();
                text.setText("Da ky");
                look.setTextParameters(text);
                SignatureFieldParameters field = look.getFieldParameters();
                if (job.containsKey("existing")) {
                    field.setFieldId(job.get("field"));
                } else {
                    field.setOriginX(rect[0]);
                    field.setOriginY(rect[1]);
                    field.setWidth(rect[2] - rect[0]);
                    field.setHeight(rect[3] - rect[1]);
                }
                parameters.setImageParameters(look);
            }
            ToBeSigned data = service.getDataToSign(in, parameters);
            SignatureValue value = token.sign(data, DigestAlgorithm.SHA256, key);
            return service.signDocument(in, parameters, value);
        }
    }
}
