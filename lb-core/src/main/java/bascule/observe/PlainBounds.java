package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/// Writes the bucket `le="5.0E-4"` of the library as `le="0.0005"`. It is a label and Prometheus 2 compares it as text, so that
/// a rule that says 0.0005 would find nothing. In a label's value the quotes would be escaped: nothing else is matched.
final class PlainBounds extends FilterOutputStream {
    private static final byte[] FROM = ",le=\"5.0E-4\"".getBytes(US_ASCII);
    private static final byte[] TO = ",le=\"0.0005\"".getBytes(US_ASCII);

    /// How much of FROM was seen and is held back. Its first byte occurs in it only once, so a mismatch starts anew.
    private int seen;

    PlainBounds(OutputStream out) {
        super(out);
    }

    @Override
    public void write(int value) throws IOException {
        if (value != FROM[seen]) {
            out.write(FROM, 0, seen);
            seen = 0;
        }
        if (value != FROM[seen]) {
            out.write(value);
        } else if (++seen == FROM.length) {
            out.write(TO);
            seen = 0;
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        int written = offset;
        for (int i = offset; i < offset + length; i++) {
            if (seen == 0 && bytes[i] != FROM[0]) continue;
            if (seen == 0) out.write(bytes, written, i - written);
            write(bytes[i]);
            written = i + 1;
        }
        out.write(bytes, written, offset + length - written);
    }

    /// At the end: writes what is held back.
    void finish() throws IOException {
        out.write(FROM, 0, seen);
        seen = 0;
    }
}
