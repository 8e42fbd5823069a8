package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/// One line per message: for the journal `<6>listener-open name=http`, where the number is syslog's (sd-daemon(3)); for
/// everyone else `2026-11-20T08:17:49.123Z INFO listener-open name=http`. A library's message is led by its logger's name.
final class EventFormat extends Formatter {
    static final String ERROR = "<3>"; // Of syslog(3).
    private final boolean journal;
    private final Timestamp timestamp = new Timestamp();

    EventFormat(boolean journal) {
        this.journal = journal;
    }

    @Override
    public synchronized String format(LogRecord message) {
        String lead = journal ? priority(message.getLevel()) : timeAndLevel(message);
        var lines = new StringBuilder(lead);
        String logger = String.valueOf(message.getLoggerName());
        if (!logger.equals(Events.LOGGER)) lines.append(logger).append(": ");
        lines.append(onOneLine(formatMessage(message))).append('\n');
        if (message.getThrown() != null) {
            var stack = new StringWriter();
            message.getThrown().printStackTrace(new PrintWriter(stack));
            String next = journal ? lead : ""; // The journal splits lines: each needs its level.
            stack.toString().lines().forEach(line -> lines.append(next).append(line).append('\n'));
        }
        return lines.toString();
    }

    private String timeAndLevel(LogRecord message) {
        var time = new byte[Timestamp.LENGTH];
        timestamp.write(message.getMillis(), time, 0);
        return new String(time, US_ASCII) + ' ' + name(message.getLevel()) + ' ';
    }

    private static String name(Level level) {
        return switch (priority(level)) {
            case ERROR -> "ERROR";
            case "<4>" -> "WARN";
            case "<6>" -> "INFO";
            default -> "DEBUG";
        };
    }

    private static String priority(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) return ERROR;
        if (value >= Level.WARNING.intValue()) return "<4>";
        return value >= Level.INFO.intValue() ? "<6>" : "<7>";
    }

    /// Libraries quote what peers have sent: no peer may write lines of our log.
    private static String onOneLine(String message) {
        return message.chars().anyMatch(Character::isISOControl)
                ? message.codePoints()
                        .map(c -> Character.isISOControl(c) ? ' ' : c)
                        .collect(
                                StringBuilder::new,
                                StringBuilder::appendCodePoint,
                                StringBuilder::append)
                        .toString()
                : message;
    }
}
