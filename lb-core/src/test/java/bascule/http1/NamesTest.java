package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.FieldName;
import io.netty.buffer.Unpooled;
import java.lang.reflect.Field;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
    private static final String TOKEN_BYTES =
            "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static final Map<String, Byte> CODES = new HashMap<>();

    static {
        for (Field field : FieldName.class.getFields()) {
            if (field.getType() != byte.class) continue;
            try {
                CODES.put(
                        field.getName().toLowerCase(Locale.ROOT).replace('_', '-'),
                        field.getByte(null));
            } catch (IllegalAccessException e) {
                throw new AssertionError(e);
            }
        }
        CODES.remove("other");
    }

    @Test
    void givenEveryKnownName_whenRead_thenHasItsCodeInAnyCase() {
        assertEquals(19, CODES.size());
        assertEquals(FieldName.COUNT, CODES.size() + 1);
        CODES.forEach(
                (name, code) -> {
                    assertEquals(code, code(name), name);
                    assertEquals(code, code(name.toUpperCase(Locale.ROOT)), name);
                });
    }

    @Test
    void givenKnownName_whenAnyByteOfItDiffers_thenIsAnother() {
        for (String name : CODES.keySet()) {
            for (int at = 0; at < name.length(); at++) {
                for (int i = 0; i < TOKEN_BYTES.length(); i++) {
                    char other = TOKEN_BYTES.charAt(i);
                    String changed = name.substring(0, at) + other + name.substring(at + 1);
                    String lower = changed.toLowerCase(Locale.ROOT);
                    boolean isBelieved = name.startsWith("x-");
                    byte expected =
                            CODES.getOrDefault(
                                    isBelieved ? lower.replace('_', '-') : lower, FieldName.OTHER);
                    assertEquals(expected, code(changed), changed);
                }
                String shorter = name.substring(0, at) + name.substring(at + 1);
                if (!shorter.isEmpty())
                    assertEquals(
                            CODES.getOrDefault(shorter, FieldName.OTHER), code(shorter), shorter);
                String longer = name.substring(0, at) + "x" + name.substring(at);
                assertEquals(CODES.getOrDefault(longer, FieldName.OTHER), code(longer), longer);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length",
                "TRANSFER-ENCODING",
                "host",
                "Trailer",
                "authorization",
                "Cookie",
                "Set-Cookie",
                "Age",
                "If-None-Match",
                "Proxy-Authenticate",
                "X-Forwarded-Port",
                "Sec-WebSocket-Key",
                "Warning",
                "Content-Range",
                "X-Client-Cert-Subject",
                "x_client_cert_anything",
                "X_Forwarded_For",
                "content_length"
            })
    void givenNameThatSteers_whenAsked_thenIsProtected(String name) {
        assertTrue(isProtected(name));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Digest",
                "Content-Digest",
                "ETag",
                "grpc-status",
                "X-Checksum",
                "Server-Timing",
                "X-Forwarded",
                "Ifx",
                "IF",
                "Proxy",
                "Secx",
                "Hos",
                "Hostx",
                "x-if-match",
                "Content-MD5",
                "Expires-x",
                "a"
            })
    void givenOtherName_whenAsked_thenIsNotProtected(String name) {
        assertFalse(isProtected(name));
    }

    private static byte code(String name) {
        byte[] bytes =
                ("xyz" + name + ": some value\0")
                        .getBytes(ISO_8859_1); // A head has that much behind a name.
        return Names.code(bytes, 3, 3 + name.length());
    }

    private static boolean isProtected(String name) {
        byte[] bytes = name.getBytes(ISO_8859_1);
        boolean found = ProtectedNames.contains(bytes, 0, bytes.length);
        assertEquals(
                found, ProtectedNames.contains(Unpooled.wrappedBuffer(bytes), 0, bytes.length));
        assertEquals(found, Reference.isProtected(name));
        return found;
    }
}
