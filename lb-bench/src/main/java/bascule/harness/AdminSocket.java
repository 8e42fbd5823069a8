package bascule.harness;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A daemon's admin socket, with a limit for each answer: who is stopped never gives one.
public record AdminSocket(Path file) {
    private static final int MOST_BYTES = 1 << 20;
    private static final Pattern OBJECT = Pattern.compile("\\{[^{}\\[\\]]*}");

    public String get(String path, int limitMillis) throws IOException {
        return ask("GET", path, limitMillis);
    }

    /// @return the body of an answer 200
    public String ask(String method, String path, int limitMillis) throws IOException {
        long deadline = System.nanoTime() + limitMillis * 1_000_000L;
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                Selector selector = Selector.open()) {
            channel.connect(UnixDomainSocketAddress.of(file)); // At once, or not at all.
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ);
            String request =
                    method
                            + " "
                            + path
                            + " HTTP/1.1\r\nHost: drill\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            channel.write(ByteBuffer.wrap(request.getBytes(UTF_8)));
            ByteBuffer answer = ByteBuffer.allocate(16 << 10);
            while (true) {
                long left = (deadline - System.nanoTime()) / 1_000_000;
                if (left <= 0) throw new IOException(file + ": no answer");
                selector.select(left);
                selector.selectedKeys().clear();
                int read = channel.read(answer);
                if (read < 0) break;
                if (answer.hasRemaining()) continue;
                if (answer.capacity() >= MOST_BYTES) throw new IOException(file + ": too much");
                answer = ByteBuffer.allocate(answer.capacity() * 4).put(answer.flip());
            }
            String text = new String(answer.array(), 0, answer.position(), UTF_8);
            int body = text.indexOf("\r\n\r\n");
            if (body < 0 || !text.startsWith("HTTP/1.1 200"))
                throw new IOException(file + ": " + text.lines().findFirst().orElse("nothing"));
            return text.substring(body + 4);
        }
    }

    /// A field of an object of one of the lists of `/status`, chosen by its name.
    ///
    /// @param list `floatingIps`, `nodes` …
    /// @return empty if there is no such thing, or it is null
    public static String field(String status, String list, String name, String field) {
        int at = status.indexOf('"' + list + '"');
        if (at < 0) return "";
        Matcher object = OBJECT.matcher(status);
        while (object.find(at)) {
            at = object.end();
            if (!object.group().matches("(?s).*\"name\"\\s*:\\s*\"" + Pattern.quote(name) + "\".*"))
                continue;
            Matcher value =
                    Pattern.compile('"' + field + "\"\\s*:\\s*(?:\"([^\"]*)\"|([^\",}\\s]+))")
                            .matcher(object.group());
            if (!value.find()) return "";
            String text = value.group(1) != null ? value.group(1) : value.group(2);
            return text.equals("null") ? "" : text;
        }
        return "";
    }
}
