package bascule.observe;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// Events that an operator reads: a stable name, then `key=value` in a fixed order, as in
/// `listener-open name=http bind=[::]:80`. Values that hold a blank, a quote, `=` or a control character are quoted, so one
/// event is always one line. A [Throwable] as a value is shown by its class and message; for a bug, [#bug] adds the stack.
public final class Events {
    private static final Logger LOG = LoggerFactory.getLogger("bascule");

    private Events() {}

    /// @param keyValues keys and values in turn
    public static void debug(String event, Object... keyValues) {
        log(Level.DEBUG, event, keyValues);
    }

    public static void info(String event, Object... keyValues) {
        log(Level.INFO, event, keyValues);
    }

    public static void warn(String event, Object... keyValues) {
        log(Level.WARN, event, keyValues);
    }

    public static void error(String event, Object... keyValues) {
        log(Level.ERROR, event, keyValues);
    }

    /// What should never happen, with its stack.
    public static void bug(String event, Throwable what, Object... keyValues) {
        LOG.error(line(event, keyValues), what);
    }

    private static void log(Level level, String event, Object... keyValues) {
        if (LOG.isEnabledForLevel(level)) LOG.atLevel(level).log(line(event, keyValues));
    }

    static String line(String event, Object... keyValues) {
        assert keyValues.length % 2 == 0 : event;
        var line = new StringBuilder(event);
        for (int i = 0; i + 1 < keyValues.length; i += 2) {
            line.append(' ').append(keyValues[i]).append('=');
            value(keyValues[i + 1], line);
        }
        return line.toString();
    }

    private static void value(Object value, StringBuilder to) {
        String text = value.toString();
        if (isPlain(text)) {
            to.append(text);
            return;
        }
        to.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> to.append('\\').append(c);
                case '\n' -> to.append("\\n");
                case '\r' -> to.append("\\r");
                case '\t' -> to.append("\\t");
                default -> {
                    if (Character.isISOControl(c)) to.append("\\u%04x".formatted((int) c));
                    else to.append(c);
                }
            }
        }
        to.append('"');
    }

    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c == '"' || c == '=' || c == '\\' || Character.isISOControl(c))
                return false;
        }
        return !text.isEmpty();
    }
}
