import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Jobs from standard input, one a line: key=value pairs separated by tabs. One answer a line: "ok OUT" or "failed OUT why". */
final class Jobs {
    interface Tool {
        void run(Map<String, String> job) throws Exception;
    }

    static void serve(Tool tool) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<String, String> job = new HashMap<>();
            for (String pair : line.split("\t")) {
                int at = pair.indexOf('=');
                if (at > 0) {
                    job.put(pair.substring(0, at), pair.substring(at + 1));
                }
            }
            try {
                tool.run(job);
                System.out.println("ok\t" + job.get("out"));
            } catch (Throwable error) {
                String why = String.valueOf(error).replaceAll("\\s+", " ");
                System.out.println("failed\t" + job.get("out") + "\t" + why);
                if (System.getenv("REALTOOLS_TRACE") != null) {
                    error.printStackTrace();
                }
                Files.deleteIfExists(Path.of(job.get("out")));
            }
            System.out.flush();
        }
    }

    /** The key of a PKCS#12 file without password trouble: one entry, password "demo". */
    static final class Keys {
        final PrivateKey key;
        final X509Certificate[] chain;

        Keys(String file) throws Exception {
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (FileInputStream in = new FileInputStream(file)) {
                store.load(in, "demo".toCharArray());
            }
            String alias = store.aliases().nextElement();
            key = (PrivateKey) store.getKey(alias, "demo".toCharArray());
            Certificate[] found = store.getCertificateChain(alias);
            chain = new X509Certificate[found.length];
            for (int at = 0; at < found.length; at++) {
                chain[at] = (X509Certificate) found[at];
            }
        }
    }

    static List<String> list(Map<String, String> job, String key) {
        String text = job.getOrDefault(key, "");
        return text.isEmpty() ? List.of() : List.of(text.split(","));
    }

    static List<X509CRL> crls(Map<String, String> job) throws Exception {
        List<X509CRL> found = new ArrayList<>();
        for (String file : list(job, "crls")) {
            try (FileInputStream in = new FileInputStream(file)) {
                found.add((X509CRL) CertificateFactory.getInstance("X.509").generateCRL(in));
            }
        }
        return found;
    }

    static List<X509Certificate> certificates(Map<String, String> job) throws Exception {
        List<X509Certificate> found = new ArrayList<>();
        for (String file : list(job, "certs")) {
            try (FileInputStream in = new FileInputStream(file)) {
                found.add((X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in));
            }
        }
        return found;
    }

    /** x1,y1,x2,y2 in points, or null for an invisible signature. */
    static float[] rectangle(Map<String, String> job) {
        List<String> parts = list(job, "rect");
        if (parts.isEmpty()) {
            return null;
        }
        float[] found = new float[4];
        for (int at = 0; at < 4; at++) {
            found[at] = Float.parseFloat(parts.get(at));
        }
        return found;
    }

    static int number(Map<String, String> job, String key, int fallback) {
        return job.containsKey(key) ? Integer.parseInt(job.get(key)) : fallback;
    }
}
