import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParser;
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/**
 * A unit's end of the trunk: submit packages, read the inbox, report statuses.
 *
 * <p>Environment: TRUNK_ADDRESS=amqps://broker:5671/trunk TRUNK_PASSWORD=… TRUNK_UNIT=000.00.14.H29 [TRUNK_USER=…]
 *
 * <p>Commands: send FILE.edxml [--urgent] [--upload-url URL] | read [--save DIR] | status DOCUMENT_ID --to UNIT --code
 * 03 [--reason TEXT]
 */
public final class UnitClient {
    static final String UNIT = System.getenv("TRUNK_UNIT");
    static final String USER = System.getenv().getOrDefault("TRUNK_USER", UNIT);
    static final String EDXML = "application/edxml+xml";
    static final String REFERENCE = "application/vnd.trunk.reference+json";
    static final int INLINE_LIMIT_BYTES = 12 * 1024 * 1024;
    static final int TRIES = 30;
    static final int PAUSE_SECONDS = 2;
    static final int IDLE_SECONDS = 5;
    static final int CONFIRM_SECONDS = 60;
    static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();
    static final String STATUS =
            """
            <edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
            <From><OrganId/></From><ResponseFor><OrganId/><DocumentId/></ResponseFor><StatusCode/><Description/>
            <Timestamp/></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>""";

    /** Not to be tried again: the person has to correct something. */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        Refused(String why) {
            super(why);
        }
    }

    /** What is done on a channel. */
    interface Work {
        void on(Channel channel) throws IOException, InterruptedException, TimeoutException;
    }

    public static void main(String[] arguments) throws Exception {
        try {
            Map<String, String> told = options(arguments);
            switch (told.getOrDefault("command", "")) {
                case "send" -> send(Files.readAllBytes(Path.of(told.get("subject"))), told);
                case "read" -> read(Path.of(told.getOrDefault("--save", "inbox")));
                case "status" -> send(status(told), Map.of());
                default -> throw new Refused("say send, read or status");
            }
        } catch (Refused refused) {
            System.err.println(refused.getMessage());
            System.exit(1);
        }
    }

    /** Do {@code work} until it ends well, on a new connection whenever the old one breaks. */
    static void persist(Work work) throws Exception {
        for (int attempt = 0; attempt < TRIES; attempt++) {
            try (Connection connection = factory().newConnection()) {
                Channel channel = connection.createChannel();
                channel.confirmSelect(); // from here on the broker answers for every publish
                work.on(channel);
                return;
            } catch (AuthenticationFailureException error) {
                throw new Refused("the broker refused " + USER + ": " + error.getMessage());
            } catch (SSLHandshakeException error) {
                throw new Refused("the broker is not who it should be: " + error.getMessage());
            } catch (IOException | ShutdownSignalException | TimeoutException error) {
                refuseIfTold(error);
                System.err.println("broken off, the same once more: " + error); // perhaps taken all the same
                TimeUnit.SECONDS.sleep(PAUSE_SECONDS);
            }
        }
        throw new Refused("the broker does not answer: keep the package, and send the same bytes later");
    }

    static ConnectionFactory factory() throws Exception {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(System.getenv("TRUNK_ADDRESS"));
        factory.setUsername(USER);
        factory.setPassword(System.getenv("TRUNK_PASSWORD"));
        factory.setRequestedHeartbeat(30); // a silent broker becomes an exception
        factory.setAutomaticRecoveryEnabled(false); // persist() connects again, and knows what was not confirmed
        if (factory.isSSL()) { // the client's own default would trust every certificate
            factory.useSslProtocol(SSLContext.getDefault());
            factory.enableHostnameVerification();
        }
        return factory;
    }

    /** What the broker closed with a reason (403, 404, 406; 530 for the virtual host) it will close again. */
    static void refuseIfTold(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            Method reason = cause instanceof ShutdownSignalException signal ? signal.getReason() : null;
            if (reason instanceof AMQP.Channel.Close close) {
                throw new Refused("the broker refused " + USER + ": " + close.getReplyText());
            }
            if (reason instanceof AMQP.Connection.Close close && close.getReplyCode() == AMQP.NOT_ALLOWED) {
                throw new Refused("the broker refused " + USER + ": " + close.getReplyText());
            }
        }
    }

    /** Returns when the broker has confirmed: from then on the trunk answers for the package. */
    static void send(byte[] bytes, Map<String, String> told) throws Exception {
        String address = told.get("--upload-url");
        if (address == null && bytes.length > INLINE_LIMIT_BYTES) {
            throw new Refused("more than 12 MiB: ask the operators for an address, and say --upload-url");
        }
        byte[] body = address == null ? bytes : upload(address, bytes);
        AMQP.BasicProperties properties =
                new AMQP.BasicProperties.Builder()
                        .contentType(address == null ? EDXML : REFERENCE)
                        .deliveryMode(2)
                        .userId(USER)
                        .timestamp(new Date())
                        .build();
        String key = "submit." + UNIT + (told.containsKey("--urgent") ? ".urgent" : "");
        persist(channel -> {
            AtomicBoolean returned = new AtomicBoolean();
            channel.addReturnListener(message -> returned.set(true));
            channel.basicPublish("trunk.submit", key, true, properties, body);
            if (!channel.waitForConfirms(CONFIRM_SECONDS * 1000L)) {
                throw new IOException("the trunk takes nothing at the moment");
            }
            if (returned.get()) {
                throw new Refused("no queue takes " + key + ": is the unit registered?");
            }
        });
        System.out.println(JSON.toJson(ordered("sent", sha256(bytes), "bytes", bytes.length)));
    }

    /** Put a large package where the operators said; returns the reference that is submitted in its place. */
    static byte[] upload(String address, byte[] bytes) throws Exception {
        URI place = URI.create(address);
        HttpRequest put =
                HttpRequest.newBuilder(place)
                        .timeout(Duration.ofMinutes(5))
                        .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes))
                        .build();
        int answer = HttpClient.newHttpClient().send(put, HttpResponse.BodyHandlers.discarding()).statusCode();
        if (answer / 100 != 2) {
            throw new Refused("the store did not take the upload: HTTP " + answer);
        }
        String[] parts = place.getPath().substring(1).split("/", 2); // bucket and key
        Map<String, Object> reference =
                ordered("bucket", parts[0], "key", parts[1], "size", bytes.length, "sha256", sha256(bytes));
        return JSON.toJson(reference).getBytes(StandardCharsets.UTF_8);
    }

    /** Store every message, then ack it; end when nothing came for a while. */
    static void read(Path folder) throws Exception {
        Files.createDirectories(folder);
        persist(channel -> {
            BlockingQueue<Delivery> came = new LinkedBlockingQueue<>();
            AtomicBoolean ended = new AtomicBoolean();
            channel.basicQos(8);
            channel.basicConsume(
                    "inbox." + UNIT,
                    false,
                    (tag, delivery) -> came.add(delivery),
                    tag -> ended.set(true),
                    (tag, signal) -> ended.set(true));
            for (Delivery next; (next = came.poll(IDLE_SECONDS, TimeUnit.SECONDS)) != null; ) {
                System.out.println(JSON.toJson(store(folder, next)));
                channel.basicAck(next.getEnvelope().getDeliveryTag(), false); // only now may the broker forget it
            }
            if (ended.get()) {
                throw new IOException("the broker ended the subscription");
            }
        });
    }

    /** One file a message, named for its event: a repeat falls on the same name and changes nothing. */
    static Map<String, Object> store(Path folder, Delivery delivery) throws IOException, InterruptedException {
        AMQP.BasicProperties properties = delivery.getProperties();
        Map<String, Object> told = ordered("type", properties.getType());
        properties.getHeaders().forEach((name, value) -> {
            if (name.startsWith("x-")) {
                told.put(name, value.toString());
            }
        });
        String event = told.get("x-event-id").toString().replaceAll("[^0-9A-Za-z.-]+", "_");
        Path file = folder.resolve(event + "." + properties.getType());
        told.put("file", file.toString());
        told.put("repeat", Files.exists(file));
        if (Files.exists(file)) {
            return told;
        }
        byte[] body = delivery.getBody();
        if (REFERENCE.equals(properties.getContentType())) {
            String reference = new String(body, StandardCharsets.UTF_8);
            body = fetch(JsonParser.parseString(reference).getAsJsonObject().get("url").getAsString());
        }
        if (!"receipt".equals(properties.getType()) && !sha256(body).equals(told.get("x-sha256"))) {
            throw new Refused(file + ": other bytes than announced; not acked, tell the trunk's operators");
        }
        Path unfinished = folder.resolve(event + ".unfinished");
        try (FileChannel target = FileChannel.open(
                unfinished,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            for (ByteBuffer left = ByteBuffer.wrap(body); left.hasRemaining(); ) {
                target.write(left);
            }
            target.force(true);
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        return told;
    }

    static byte[] fetch(String address) throws IOException, InterruptedException {
        HttpRequest get = HttpRequest.newBuilder(URI.create(address)).timeout(Duration.ofMinutes(5)).build();
        HttpResponse<byte[]> answer = HttpClient.newHttpClient().send(get, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new Refused("the package cannot be fetched: HTTP " + answer.statusCode() + "; ask the operators");
        }
        return answer.body();
    }

    /** The smallest status package: who reports, about which document of whom, what, why, when. */
    static byte[] status(Map<String, String> told) throws Exception {
        DocumentBuilderFactory parsers = DocumentBuilderFactory.newInstance();
        parsers.setNamespaceAware(true);
        InputStream empty = new ByteArrayInputStream(STATUS.getBytes(StandardCharsets.UTF_8));
        Document status = parsers.newDocumentBuilder().parse(empty);
        DateTimeFormatter spelt = DateTimeFormatter.ofPattern("yyyy/MM/dd HH:mm:ss");
        String now = LocalDateTime.now(ZoneId.of("Asia/Ho_Chi_Minh")).format(spelt);
        String reason = told.getOrDefault("--reason", "");
        List<String> texts = List.of(UNIT, told.get("--to"), told.get("subject"), told.get("--code"), reason, now);
        NodeList elements = status.getElementsByTagName("*");
        for (int at = 0, next = 0; at < elements.getLength(); at++) {
            if (!elements.item(at).hasChildNodes()) {
                elements.item(at).setTextContent(texts.get(next++));
            }
        }
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(status), new StreamResult(written));
        return written.toByteArray();
    }

    static Map<String, String> options(String[] arguments) {
        Map<String, String> told = new LinkedHashMap<>();
        List<String> plain = new ArrayList<>();
        for (int at = 0; at < arguments.length; at++) {
            if (arguments[at].equals("--urgent")) {
                told.put("--urgent", "");
            } else if (arguments[at].startsWith("--")) {
                told.put(arguments[at], arguments[++at]);
            } else {
                plain.add(arguments[at]);
            }
        }
        told.put("command", plain.isEmpty() ? "" : plain.get(0));
        if (plain.size() > 1) {
            told.put("subject", plain.get(1));
        }
        return told;
    }

    static Map<String, Object> ordered(Object... pairs) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int at = 0; at < pairs.length; at += 2) {
            map.put(pairs[at].toString(), pairs[at + 1]);
        }
        return map;
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }
}
