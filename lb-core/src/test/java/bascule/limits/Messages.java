package bascule.limits;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Locale;

/// HTTP/1.1 messages of any length, whose bodies are of [Pattern]: the least that moves much and sees if a byte is wrong.
final class Messages {
    /// Of a chunk, and no divisor of anything else.
    private static final int CHUNK = 10_007;

    private Messages() {}

    /// @return a head up to its empty line, or nothing at the end
    static String head(InputStream in) throws IOException {
        var head = new ByteArrayOutputStream(512);
        for (int last = 0; ; ) {
            int next = in.read();
            if (next < 0) {
                if (head.size() == 0) return "";
                throw new EOFException("end within a head: " + head);
            }
            head.write(next);
            if (next == '\n') {
                if (last == 1) return head.toString(ISO_8859_1);
                last = 1;
            } else if (next != '\r') {
                last = 0;
            }
        }
    }

    /// The value of a field, or nothing.
    static String field(String head, String name) {
        String low = head.toLowerCase(Locale.ROOT);
        int at = low.indexOf("\r\n" + name + ":");
        if (at < 0) return "";
        int start = at + name.length() + 3;
        return low.substring(start, low.indexOf("\r\n", start)).strip();
    }

    /// Reads the body of that head and compares it.
    ///
    /// @return its length without framing
    static long readBody(String head, InputStream in) throws IOException {
        if (!field(head, "transfer-encoding").isEmpty()) return readChunks(in);
        String length = field(head, "content-length");
        if (length.isEmpty()) return 0;
        long bytes = Long.parseLong(length);
        Pattern.read(in, 0, bytes);
        return bytes;
    }

    private static long readChunks(InputStream in) throws IOException {
        for (long at = 0; ; ) {
            long size = Long.parseLong(line(in), 16);
            Pattern.read(in, at, at + size);
            at += size;
            if (!line(in).isEmpty()) throw new AssertionError("no line end behind a chunk");
            if (size == 0) return at;
        }
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int next; (next = in.read()) != '\n'; ) {
            if (next < 0) throw new EOFException("end within a line: " + line);
            if (next != '\r') line.append((char) next);
        }
        return line.toString();
    }

    /// Writes a message with a body of that length.
    ///
    /// @param start start line and fields, each with its line end
    static void write(OutputStream out, String start, long length, boolean chunked)
            throws IOException {
        String framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + length;
        out.write((start + framing + "\r\n\r\n").getBytes(ISO_8859_1));
        if (chunked) writeChunks(out, length);
        else Pattern.write(out, 0, length);
        out.flush();
    }

    private static void writeChunks(OutputStream out, long length) throws IOException {
        for (long at = 0; at < length; ) {
            long size = Math.min(CHUNK, length - at);
            out.write((Long.toHexString(size) + "\r\n").getBytes(ISO_8859_1));
            Pattern.write(out, at, at + size);
            out.write("\r\n".getBytes(ISO_8859_1));
            at += size;
        }
        out.write("0\r\n\r\n".getBytes(ISO_8859_1));
    }
}
