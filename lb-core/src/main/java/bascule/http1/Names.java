package bascule.http1;

import static bascule.http1.Bytes.lowerWord;
import static bascule.http1.Bytes.word;
import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Ascii;
import bascule.http.FieldName;

/// From the bytes of a field's name to its code, by length first, then by whole words.
///
/// Of the names that servers believe since only proxies set them, `_` stands for `-` as well: CGI and its heirs hand both to programs
/// as one (RFC 3875 §4.1.18), so `X_Forwarded_Proto` must not slip past where `X-Forwarded-Proto` is stopped.
public final class Names {
    private static final long TE = word("te");
    private static final long VIA = word("via");
    private static final long HOST = word("host");
    private static final long EXPECT = word("expect");
    private static final long TRAILER = word("trailer");
    private static final long UPGRADE = word("upgrade");
    private static final long FORWARDED = word("forwarde");
    private static final long CONNECTION = word("connecti");
    private static final long KEEP_ALIVE = word("keep-ali");
    private static final long X_REQUEST = word("x-reques");
    private static final long CONTENT_LENGTH = word("content-");
    private static final long HTTP2_SETTINGS = word("http2-se");
    private static final long X_FORWARDED = word("x-forwar");
    private static final long PROXY_CONNECTION = word("proxy-co");
    private static final long TRANSFER_ENCODING = word("transfer");

    // The last eight bytes of the longer ones.
    private static final long CONNECTION_END = word("nnection");
    private static final long KEEP_ALIVE_END = word("ep-alive");
    private static final long X_REQUEST_ID_END = word("quest-id");
    private static final long CONTENT_LENGTH_END = word("t-length");
    private static final long HTTP2_SETTINGS_END = word("settings");
    private static final long X_FORWARDED_FOR_END = word("rded-for");
    private static final long X_FORWARDED_HOST_END = word("ded-host");
    private static final long X_FORWARDED_PROTO_END = word("ed-proto");
    private static final long TRANSFER_ENCODING_END = word("encoding");

    private static final byte[][] BELIEVED = {
        "x-forwarded-for".getBytes(US_ASCII),
        "x-forwarded-proto".getBytes(US_ASCII),
        "x-forwarded-host".getBytes(US_ASCII),
        "x-request-id".getBytes(US_ASCII),
        "x-client-cert-subject".getBytes(US_ASCII),
        "x-client-cert-fingerprint".getBytes(US_ASCII)
    };

    private static final byte[] BELIEVED_CODES = {
        FieldName.X_FORWARDED_FOR,
        FieldName.X_FORWARDED_PROTO,
        FieldName.X_FORWARDED_HOST,
        FieldName.X_REQUEST_ID,
        FieldName.X_CLIENT_CERT_SUBJECT,
        FieldName.X_CLIENT_CERT_FINGERPRINT
    };

    private Names() {}

    /// The code of a name, a token of one byte or more, without regard to case. Up to seven bytes past its end are read, and ignored.
    public static byte code(byte[] bytes, int start, int end) {
        int length = end - start;
        return switch (length) {
            case 2 -> lowerWord(bytes, start, 2) == TE ? FieldName.TE : FieldName.OTHER;
            case 3 -> lowerWord(bytes, start, 3) == VIA ? FieldName.VIA : FieldName.OTHER;
            case 4 -> lowerWord(bytes, start, 4) == HOST ? FieldName.HOST : FieldName.OTHER;
            case 6 -> lowerWord(bytes, start, 6) == EXPECT ? FieldName.EXPECT : FieldName.OTHER;
            case 7 -> {
                long name = lowerWord(bytes, start, 7);
                yield name == UPGRADE
                        ? FieldName.UPGRADE
                        : name == TRAILER ? FieldName.TRAILER : FieldName.OTHER;
            }
            case 9, 10, 12, 14, 15, 16, 17 -> longer(bytes, start, end, length);
            case 21, 25 -> believed(bytes, start, length);
            default -> FieldName.OTHER;
        };
    }

    private static byte longer(byte[] bytes, int start, int end, int length) {
        long first = lowerWord(bytes, start);
        long last = lowerWord(bytes, end - 8);
        switch (length) {
            case 9 -> {
                if (first == FORWARDED && (bytes[end - 1] | 0x20) == 'd')
                    return FieldName.FORWARDED;
            }
            case 10 -> {
                if (first == CONNECTION && last == CONNECTION_END) return FieldName.CONNECTION;
                if (first == KEEP_ALIVE && last == KEEP_ALIVE_END) return FieldName.KEEP_ALIVE;
            }
            case 12 -> {
                if (first == X_REQUEST && last == X_REQUEST_ID_END) return FieldName.X_REQUEST_ID;
            }
            case 14 -> {
                if (first == CONTENT_LENGTH && last == CONTENT_LENGTH_END)
                    return FieldName.CONTENT_LENGTH;
                if (first == HTTP2_SETTINGS && last == HTTP2_SETTINGS_END)
                    return FieldName.HTTP2_SETTINGS;
            }
            case 15 -> {
                if (first == X_FORWARDED && last == X_FORWARDED_FOR_END)
                    return FieldName.X_FORWARDED_FOR;
            }
            case 16 -> {
                if (first == X_FORWARDED && last == X_FORWARDED_HOST_END)
                    return FieldName.X_FORWARDED_HOST;
                if (first == PROXY_CONNECTION && last == CONNECTION_END)
                    return FieldName.PROXY_CONNECTION;
            }
            case 17 -> {
                int middle = bytes[start + 8] | 0x20;
                if (first == TRANSFER_ENCODING && middle == '-' && last == TRANSFER_ENCODING_END)
                    return FieldName.TRANSFER_ENCODING;
                if (first == X_FORWARDED && middle == 'd' && last == X_FORWARDED_PROTO_END)
                    return FieldName.X_FORWARDED_PROTO;
            }
            default -> {}
        }
        return believed(bytes, start, length);
    }

    private static byte believed(byte[] bytes, int start, int length) {
        if ((bytes[start] | 0x20) != 'x') return FieldName.OTHER;
        for (int i = 0; i < BELIEVED.length; i++)
            if (isAlias(bytes, start, length, BELIEVED[i])) return BELIEVED_CODES[i];
        return FieldName.OTHER;
    }

    private static boolean isAlias(byte[] bytes, int start, int length, byte[] name) {
        if (length != name.length) return false;
        for (int i = 0; i < length; i++) {
            byte b = bytes[start + i];
            if (Ascii.lower(b == '_' ? (byte) '-' : b) != name[i]) return false;
        }
        return true;
    }
}
