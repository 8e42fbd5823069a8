package bascule.tls;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What can be the name of a host in a certificate, an SNI or a rule.
final class DnsNames {
    /// RFC 1035 §2.3.4, without the root's dot.
    static final int MAX_LENGTH = 253;

    private DnsNames() {}

    /// @return `name` or `*.name` in lower case without a dot at its end; or null if it is neither
    static @Nullable String pattern(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        String name = lower.startsWith("*.") ? lower.substring(2) : lower;
        if (name.endsWith(".")) name = name.substring(0, name.length() - 1);
        if (!isName(name)) return null;
        return lower.startsWith("*.") ? "*." + name : name;
    }

    /// Labels of lower-case letters, digits, `-` and `_` (which real hosts have), none empty, none over 63.
    static boolean isName(String text) {
        if (text.isEmpty() || text.length() > MAX_LENGTH) return false;
        int label = 0;
        for (int i = 0; i < text.length(); i++) {
            int c = text.charAt(i);
            if (c == '.') {
                if (label == 0) return false;
                label = 0;
            } else if (!isLabelByte(c) || ++label > 63) return false;
        }
        return label > 0;
    }

    /// Whether it may stand in a label, lower case only.
    static boolean isLabelByte(int c) {
        return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_';
    }
}
