package bascule.cluster.key;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;

/// As much of DER (ITU-T X.690) as a certificate takes: each method gives one element, whole.
final class Der {
    private static final int BIT_STRING = 0x03;
    private static final int OCTET_STRING = 0x04;
    private static final int UTF8_STRING = 0x0c;
    private static final int UTC_TIME = 0x17;
    private static final int GENERALIZED_TIME = 0x18;
    private static final int SEQUENCE = 0x30;
    private static final int SET = 0x31;

    private Der() {}

    static byte[] sequence(byte[]... elements) {
        return element(SEQUENCE, elements);
    }

    /// Of one element: more would have to be sorted (§11.6).
    static byte[] set(byte[] only) {
        return element(SET, only);
    }

    /// @param number its tag, context-specific and constructed; to 30
    static byte[] explicit(int number, byte[] element) {
        return element(0xa0 | number, element);
    }

    static byte[] integer(BigInteger value) {
        return element(0x02, value.toByteArray());
    }

    static byte[] yes() {
        return new byte[] {0x01, 0x01, (byte) 0xff};
    }

    /// @param arcs the first two make one number (§8.19.4)
    static byte[] oid(int... arcs) {
        var body = new ByteArrayOutputStream();
        base128(body, arcs[0] * 40 + arcs[1]);
        for (int i = 2; i < arcs.length; i++) base128(body, arcs[i]);
        return element(0x06, body.toByteArray());
    }

    private static void base128(ByteArrayOutputStream to, int arc) {
        for (int shift = 28; shift > 0; shift -= 7)
            if (arc >>> shift != 0) to.write(arc >>> shift & 0x7f | 0x80);
        to.write(arc & 0x7f);
    }

    /// Whole bytes only.
    static byte[] bits(byte[] value) {
        return element(BIT_STRING, new byte[1], value);
    }

    static byte[] octets(byte[] value) {
        return element(OCTET_STRING, value);
    }

    static byte[] text(String ascii) {
        return element(UTF8_STRING, ascii.getBytes(US_ASCII));
    }

    /// @param time `yyMMddHHmmssZ`, of 1950 to 2049 (RFC 5280 §4.1.2.5.1)
    static byte[] utcTime(String time) {
        return element(UTC_TIME, time.getBytes(US_ASCII));
    }

    /// @param time `yyyyMMddHHmmssZ`
    static byte[] generalizedTime(String time) {
        return element(GENERALIZED_TIME, time.getBytes(US_ASCII));
    }

    private static byte[] element(int tag, byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) length += part.length;
        var out = new ByteArrayOutputStream(length + 6);
        out.write(tag);
        if (length < 0x80) {
            out.write(length);
        } else {
            int bytes = (39 - Integer.numberOfLeadingZeros(length)) / 8;
            out.write(0x80 | bytes);
            for (int i = bytes - 1; i >= 0; i--) out.write(length >>> 8 * i);
        }
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }
}
