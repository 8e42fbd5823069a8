package bascule.tls.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/// Writes DER (X.690): each method gives one whole element.
public final class Der {
    private static final DateTimeFormatter UTC_TIME =
            DateTimeFormatter.ofPattern("yyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

    private Der() {}

    public static byte[] sequence(byte[]... elements) {
        return element(0x30, elements);
    }

    public static byte[] set(byte[]... elements) {
        return element(0x31, elements);
    }

    public static byte[] integer(BigInteger value) {
        return element(0x02, value.toByteArray());
    }

    public static byte[] integer(long value) {
        return integer(BigInteger.valueOf(value));
    }

    public static byte[] bool(boolean value) {
        return element(0x01, new byte[] {(byte) (value ? 0xff : 0)});
    }

    public static byte[] bits(byte[] bytes) {
        return element(0x03, new byte[1], bytes);
    }

    public static byte[] octets(byte[] bytes) {
        return element(0x04, bytes);
    }

    public static byte[] utf8(String text) {
        return element(0x0c, text.getBytes(UTF_8));
    }

    /// UTCTime: from 1950 to 2049 (RFC 5280 §4.1.2.5.1).
    public static byte[] time(Instant at) {
        return element(0x17, UTC_TIME.format(at).getBytes(US_ASCII));
    }

    /// [number] EXPLICIT or, for constructed ones, IMPLICIT.
    public static byte[] tagged(int number, byte[]... elements) {
        return element(0xa0 | number, elements);
    }

    /// [number] IMPLICIT of something primitive.
    public static byte[] implicit(int number, byte[] bytes) {
        return element(0x80 | number, bytes);
    }

    /// @param dotted such as `1.2.840.113549.1.1.11`
    public static byte[] oid(String dotted) {
        var out = new ByteArrayOutputStream();
        String[] arcs = dotted.split("\\.");
        out.write(Integer.parseInt(arcs[0]) * 40 + Integer.parseInt(arcs[1]));
        for (int i = 2; i < arcs.length; i++) {
            int arc = Integer.parseInt(arcs[i]);
            for (int shift = 28; shift > 0; shift -= 7)
                if (arc >>> shift != 0) out.write(0x80 | arc >>> shift & 0x7f);
            out.write(arc & 0x7f);
        }
        return element(0x06, out.toByteArray());
    }

    public static byte[] element(int tag, byte[]... contents) {
        var body = new ByteArrayOutputStream();
        for (byte[] content : contents) body.writeBytes(content);
        var out = new ByteArrayOutputStream();
        out.write(tag);
        int length = body.size();
        if (length >= 0x10000) throw new IllegalArgumentException("longer than a test needs");
        if (length >= 0x100) {
            out.write(0x82);
            out.write(length >> 8);
        } else if (length >= 0x80) out.write(0x81);
        out.write(length);
        out.writeBytes(body.toByteArray());
        return out.toByteArray();
    }
}
