package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/// Bytes as text that a person can read and a test can be given.
final class Wire {
    private Wire() {}

    /// Reads `\r`, `\n`, `\t`, `\\` and `\x7f`; other characters stand for the byte of the same number.
    static byte[] bytes(String shown) {
        return unescape(shown).getBytes(ISO_8859_1);
    }

    static String unescape(String shown) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < shown.length(); i++) {
            char c = shown.charAt(i);
            if (c != '\\') {
                text.append(c);
                continue;
            }
            char escape = shown.charAt(++i);
            switch (escape) {
                case 'r' -> text.append('\r');
                case 'n' -> text.append('\n');
                case 't' -> text.append('\t');
                case '\\' -> text.append('\\');
                case 'x' -> {
                    text.append((char) Integer.parseInt(shown.substring(i + 1, i + 3), 16));
                    i += 2;
                }
                default ->
                        throw new IllegalArgumentException(
                                "\\" + escape + " (expected: \\r \\n \\t \\\\ \\xHH)");
            }
        }
        return text.toString();
    }

    /// The inverse of [#unescape].
    static String show(String text) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\r' -> shown.append("\\r");
                case '\n' -> shown.append("\\n");
                case '\t' -> shown.append("\\t");
                case '\\' -> shown.append("\\\\");
                default -> {
                    if (c >= 0x20 && c < 0x7f) shown.append(c);
                    else shown.append(String.format("\\x%02x", (int) c));
                }
            }
        }
        return shown.toString();
    }

    /// A buffer on the heap, which nobody needs to release.
    static ByteBuf buffer(String text) {
        return Unpooled.wrappedBuffer(text.getBytes(ISO_8859_1));
    }
}
