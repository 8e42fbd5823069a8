package bascule.tls;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// What a server has to know of a ClientHello before it can choose a certificate (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2, RFC 6066 §3).
/// Reads it in place and leaves it there, for the engine reads it again and checks all the rest. One object serves a whole event loop:
/// each [#read] begins anew.
public final class ClientHello {
    /// More bytes are needed; what is there is a good beginning.
    public static final int NEED_MORE = 0;

    /// All of it is there and understood.
    public static final int READ = 1;

    /// No TLS at all: the first byte is that of another protocol.
    public static final int NOT_TLS = 2;

    /// TLS, but no ClientHello that we take: broken, too long, or in too many pieces.
    public static final int MALFORMED = 3;

    /// Of the handshake message with its header. Real ones have up to 2 KiB; a few keep state in tickets of several.
    static final int LIMIT_BYTES = 16 << 10;

    /// Records that one may come in. Else one byte per record would have us look at 16,384 records, 16,384 times.
    static final int RECORDS_LIMIT = 64;

    /// After so many bytes [#read] never asks for more.
    public static final int MOST_BYTES = LIMIT_BYTES + RECORDS_LIMIT * 5;

    private static final int RECORD_HEADER = 5;
    private static final int MESSAGE_HEADER = 4;
    private static final int HANDSHAKE = 22;
    private static final int CLIENT_HELLO = 1;

    private static final Curve[] CURVES = Curve.values();

    private static final int SERVER_NAME = 0;
    private static final int SUPPORTED_GROUPS = 10;
    private static final int SIGNATURE_ALGORITHMS = 13;
    private static final int SUPPORTED_VERSIONS = 43;

    private @Nullable ByteBuf in;
    private int at; // Of the next byte in the buffer.
    private int recordEnd; // Behind the current record.
    private int left; // Bytes of the message behind `at`, over all records.
    private boolean broken;

    private @Nullable String sni;
    private boolean tls13;
    private int signatureCurves; // Bits of Curve: the exact schemes of TLS 1.3.
    private int groupCurves; // Bits of Curve.
    private boolean ecdsaSuite; // One of those of TLS 1.2.
    private int seen; // Bits of the extensions above that have come.

    /// Reads from the reader index, which does not move.
    ///
    /// @return [#NEED_MORE], [#READ], [#NOT_TLS] or [#MALFORMED]; the getters speak of it after READ only
    public int read(ByteBuf buffer) {
        sni = null;
        tls13 = false;
        signatureCurves = 0;
        groupCurves = 0;
        ecdsaSuite = false;
        seen = 0;
        broken = false;
        int whole = measure(buffer);
        if (whole != READ) return whole;
        in = buffer;
        try {
            at = buffer.readerIndex();
            recordEnd = at;
            left = LIMIT_BYTES;
            skip(1);
            left = u24();
            hello();
            return broken || left != 0 ? MALFORMED : READ;
        } finally {
            in = null;
        }
    }

    /// Walks over the records only, so that a slow client costs little.
    private static int measure(ByteBuf buffer) {
        int at = buffer.readerIndex();
        int end = buffer.writerIndex();
        int missing = MESSAGE_HEADER; // Of the message; grows once its length is known.
        int got = 0;
        boolean sized = false;
        int length = 0;
        for (int record = 0; missing > 0; record++) {
            if (record == RECORDS_LIMIT) return MALFORMED;
            if (at == end) return NEED_MORE;
            if (buffer.getByte(at) != HANDSHAKE) return record == 0 ? NOT_TLS : MALFORMED;
            if (at + 1 < end && buffer.getByte(at + 1) != 3)
                return record == 0 ? NOT_TLS : MALFORMED;
            if (end - at < RECORD_HEADER) return NEED_MORE;
            int size = buffer.getUnsignedShort(at + 3);
            if (size == 0 || size > LIMIT_BYTES) return MALFORMED;
            at += RECORD_HEADER;
            int here = Math.min(size, end - at);
            for (int i = 0; !sized && i < here; i++) { // The message's header may be cut, too.
                int b = buffer.getByte(at + i) & 0xff;
                if (got + i == 0) {
                    if (b != CLIENT_HELLO) return MALFORMED;
                } else length = length << 8 | b;
                if (got + i == MESSAGE_HEADER - 1) {
                    sized = true;
                    if (length + MESSAGE_HEADER > LIMIT_BYTES) return MALFORMED;
                    missing += length;
                }
            }
            // Nothing may follow it in its last record: keys change there (RFC 8446 §5.1).
            if (sized && got + size > length + MESSAGE_HEADER) return MALFORMED;
            if (here < size) return NEED_MORE;
            got += size;
            missing -= size;
            at += size;
        }
        return READ;
    }

    private void hello() {
        skip(2 + 32); // Version and random.
        skip(u8()); // Session ID.
        int suites = u16();
        if ((suites & 1) != 0) broken = true;
        for (; suites > 0 && !broken; suites -= 2) ecdsaSuite |= isEcdsaSuite(u16());
        skip(u8()); // Compression methods.
        if (left == 0) return; // TLS 1.2 without extensions.
        int extensions = u16();
        if (extensions != left) broken = true;
        while (left > 0 && !broken) {
            int type = u16();
            int length = u16();
            int rest = left - length; // Of the message behind this extension.
            if (rest < 0) {
                broken = true;
                return;
            }
            switch (type) {
                case SERVER_NAME -> {
                    once(1);
                    serverName(rest);
                }
                case SUPPORTED_GROUPS -> {
                    once(2);
                    for (int n = list16(rest); n > 0 && !broken; n -= 2)
                        groupCurves |= groupBit(u16());
                }
                case SIGNATURE_ALGORITHMS -> {
                    once(4);
                    for (int n = list16(rest); n > 0 && !broken; n -= 2)
                        signatureCurves |= signatureBit(u16());
                }
                case SUPPORTED_VERSIONS -> {
                    once(8);
                    int n = u8();
                    if (n != left - rest || (n & 1) != 0) broken = true;
                    for (; n > 0 && !broken; n -= 2) tls13 |= u16() == 0x0304;
                }
                default -> skip(length);
            }
        }
    }

    /// A second one of the same kind could say something else than the engine reads.
    private void once(int bit) {
        if ((seen & bit) != 0) broken = true;
        seen |= bit;
    }

    /// @param rest what is left behind the extension
    /// @return bytes of the list, which fills the extension
    private int list16(int rest) {
        int length = u16();
        if (length != left - rest || (length & 1) != 0 || length == 0) broken = true;
        return length;
    }

    /// RFC 6066 §3: a list that has only ever had one kind of entry, and may have one of it.
    private void serverName(int rest) {
        int list = u16();
        if (broken || list != left - rest || list == 0) {
            broken = true;
            return;
        }
        int kind = u8();
        int length = u16();
        if (kind != 0 || length == 0 || length != left - rest) {
            broken = true;
            return;
        }
        sni = name(length);
        if (sni == null) broken = true;
    }

    /// @return the name in lower case without a dot at its end; null if it is none. The text of an IPv4 address passes, and is nobody's name.
    private @Nullable String name(int length) {
        if (length > DnsNames.MAX_LENGTH + 1) return null;
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            int b = u8();
            bytes[i] = (byte) (b >= 'A' && b <= 'Z' ? b | 0x20 : b);
        }
        if (broken) return null;
        int end = bytes[length - 1] == '.' ? length - 1 : length;
        String name = new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
        return DnsNames.isName(name) ? name : null;
    }

    /// The name of the host that the client wants, lower case, without a dot at its end; null if it names none.
    public @Nullable String sni() {
        return sni;
    }

    /// Whether the client offers TLS 1.3.
    boolean tls13() {
        return tls13;
    }

    /// Whether the client can use an ECDSA certificate on this curve. TLS 1.3 binds each signature scheme to a curve; TLS 1.2 does not, but
    /// wants the curve among the groups (RFC 8422 §5.1.1, §2.2) and a cipher suite for it. SHA-1 does not count.
    boolean accepts(Curve curve) {
        if (tls13) return (signatureCurves & curve.bit) != 0;
        return signatureCurves != 0 && (groupCurves & curve.bit) != 0 && ecdsaSuite;
    }

    /// Those of [TlsPolicy] with ECDSA.
    private static boolean isEcdsaSuite(int suite) {
        return suite == 0xc02b || suite == 0xc02c || suite == 0xcca9;
    }

    private static int groupBit(int group) {
        for (Curve curve : CURVES) if (curve.group == group) return curve.bit;
        return 0;
    }

    private static int signatureBit(int scheme) {
        for (Curve curve : CURVES) if (curve.signature == scheme) return curve.bit;
        return 0;
    }

    // The message's bytes, whatever records they lie in. Past its end all are 0 and `broken` is
    // set.

    private int u8() {
        if (left <= 0 || in == null) {
            broken = true;
            return 0;
        }
        if (at == recordEnd) nextRecord(in);
        left--;
        return in.getByte(at++) & 0xff;
    }

    private int u16() {
        int high = u8();
        return high << 8 | u8();
    }

    private int u24() {
        int high = u8();
        return high << 16 | u16();
    }

    private void skip(int count) {
        if (count > left || in == null) {
            broken = true;
            left = 0;
            return;
        }
        left -= count;
        while (count > 0) {
            if (at == recordEnd) nextRecord(in);
            int here = Math.min(count, recordEnd - at);
            at += here;
            count -= here;
        }
    }

    private void nextRecord(ByteBuf buffer) {
        recordEnd = at + RECORD_HEADER + buffer.getUnsignedShort(at + 3);
        at += RECORD_HEADER;
    }
}
