package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.Charset;
import java.util.Locale;

/// A response, or a request, as it was read off a [Wire]: by the plain rules of RFC 9112, without mercy for what breaks them.
///
/// @param head start line and fields, final CR LF included
/// @param content the body without its framing
/// @param trailers as they came, empty if there are none
public record Answer(String head, byte[] content, String trailers) {
    /// Asks for a path, on a connection of its own.
    public static Answer get(InetSocketAddress address, String path) {
        try (Wire wire = Wire.connect(address)) {
            wire.send("GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            return read(wire, false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Reads one message; a request that expects a 100 gets it.
    ///
    /// @param bodiless is it known to have no body, as the answer to HEAD?
    public static Answer read(Wire wire, boolean bodiless) throws IOException {
        return read(wire.receiveHead(), wire, bodiless);
    }

    /// Reads the rest of a message whose head was read before.
    public static Answer read(String head, Wire wire, boolean bodiless) throws IOException {
        boolean request = !head.startsWith("HTTP/");
        int status = request ? 200 : Integer.parseInt(head.substring(9, 12));
        if (bodiless || status < 200 || status == 204 || status == 304)
            return new Answer(head, new byte[0], "");
        if (request && field(head, "expect") != null) wire.send("HTTP/1.1 100 Continue\r\n\r\n");
        String length = field(head, "content-length");
        String coding = field(head, "transfer-encoding");
        if (coding != null) {
            if (!coding.equals("chunked") || length != null) throw new AssertionError(head);
            return chunked(head, wire);
        }
        var content = new ByteArrayOutputStream();
        if (length != null) {
            take(wire, Long.parseLong(length), content);
        } else if (!request) {
            byte[] some = new byte[16 * 1024];
            for (int read; (read = wire.receive(some, 0, some.length)) >= 0; )
                content.write(some, 0, read);
        }
        return new Answer(head, content.toByteArray(), "");
    }

    private static Answer chunked(String head, Wire wire) throws IOException {
        var content = new ByteArrayOutputStream();
        while (true) {
            String line = line(wire);
            int size = Integer.parseInt(line.split(";", 2)[0], 16);
            if (size == 0) break;
            take(wire, size, content);
            if (!line(wire).isEmpty()) throw new AssertionError("no CR LF behind a chunk");
        }
        var trailers = new StringBuilder();
        for (String line; !(line = line(wire)).isEmpty(); ) trailers.append(line).append("\r\n");
        return new Answer(head, content.toByteArray(), trailers.toString());
    }

    private static void take(Wire wire, long length, ByteArrayOutputStream into)
            throws IOException {
        byte[] some = new byte[16 * 1024];
        for (long left = length; left > 0; ) {
            int read = wire.receive(some, 0, (int) Math.min(left, some.length));
            if (read < 0) throw new EOFException(left + " of " + length + " bytes are missing");
            into.write(some, 0, read);
            left -= read;
        }
    }

    private static String line(Wire wire) throws IOException {
        var line = new StringBuilder();
        while (true) {
            int next = wire.receive();
            if (next < 0) throw new EOFException("end within a line: " + line);
            if (next == '\n') break;
            line.append((char) next);
        }
        if (line.isEmpty() || line.charAt(line.length() - 1) != '\r')
            throw new AssertionError("a line without CR: " + line);
        return line.substring(0, line.length() - 1);
    }

    public int status() {
        return Integer.parseInt(head.substring(9, 12));
    }

    /// The value of the first field of that name, or null.
    public String field(String name) {
        return field(head, name.toLowerCase(Locale.ROOT));
    }

    private static String field(String head, String name) {
        return head.lines()
                .skip(1)
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse(null);
    }

    public String body(Charset charset) {
        return new String(content, charset);
    }

    public String body() {
        return body(ISO_8859_1);
    }
}
