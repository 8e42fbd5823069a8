package bascule.observe;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// Events that an operator reads: a stable name, then `key=value` in a fixed order, as in
/// `listener-open name=http bind=[::]:80`. Values that hold a blank, a quote, `=` or a control character are quoted, so one
/// event is always one line. An exception as a value is shown by its class and message; for a bug, [#bug] adds the stack.
///
/// What changes what operators see (a server's state, a listener, the configuration) is told by [#changed] or [#worsened], and
/// remembered for [#recent], of whatever level is told. From any thread.
public final class Events {
    static final String LOGGER = "bascule";
    private static final Logger LOG = LoggerFactory.getLogger(LOGGER);

    // Kept, or they and their levels are collected as garbage.
    private static final java.util.logging.Logger EVENTS =
            java.util.logging.Logger.getLogger(LOGGER);
    private static final java.util.logging.Logger LIBRARIES =
            java.util.logging.Logger.getLogger("");

    private static final RecentChanges CHANGES = new RecentChanges();

    /// How long [#flush] waits: a log that nobody reads must not keep the process alive.
    private static final long FLUSH_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static volatile @Nullable EventWriter writer;

    private Events() {}

    /// From now on events go to standard error, by a thread of their own, and from libraries what is a warning or worse (with
    /// `debug`: one level more). Called once, at the start of a daemon; whoever ends it calls [#flush].
    public static void start(bascule.config.Level least) {
        FileChannel stderr = new FileOutputStream(FileDescriptor.err).getChannel();
        start(least, stderr, WholeLines.STANDARD_ERROR);
    }

    /// For tests, elsewhere.
    static void start(bascule.config.Level least, WritableByteChannel out, WholeLines lines) {
        for (Handler handler : LIBRARIES.getHandlers()) LIBRARIES.removeHandler(handler);
        var format = new EventFormat(isJournal(System.getenv("JOURNAL_STREAM")));
        var to = new EventWriter(out, format, lines);
        LIBRARIES.addHandler(new Queue(to, format));
        writer = to;
        // The JVM's own way is to standard error, where whoever tells would wait for its reader.
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, bug) -> bug("uncaught", bug, "thread", thread.getName()));
        level(least);
    }

    /// Waits until what was told is written, a second at most. Before the process ends.
    public static void flush() {
        EventWriter to = writer;
        if (to != null) to.flush(FLUSH_NANOS);
    }

    /// Events that were lost since the start, because nobody read them in time or they could not be written.
    static long dropped() {
        EventWriter to = writer;
        return to == null ? 0 : to.dropped();
    }

    /// Changes how severe an event must be to be told.
    public static void level(bascule.config.Level least) {
        EVENTS.setLevel(
                switch (least) {
                    case ERROR -> java.util.logging.Level.SEVERE;
                    case WARN -> java.util.logging.Level.WARNING;
                    case INFO -> java.util.logging.Level.INFO;
                    case DEBUG -> java.util.logging.Level.FINE;
                });
        LIBRARIES.setLevel(
                switch (least) {
                    case ERROR -> java.util.logging.Level.SEVERE;
                    case WARN, INFO -> java.util.logging.Level.WARNING;
                    case DEBUG -> java.util.logging.Level.INFO;
                });
    }

    /// A line for people, on standard error, where no event is told: an error, says its number to the journal. In a daemon it
    /// keeps its place among the events.
    public static void complain(String line) {
        String text = complaint(line, isJournal(System.getenv("JOURNAL_STREAM")));
        EventWriter to = writer;
        if (to == null) System.err.println(text);
        else to.add(text + '\n');
    }

    static String complaint(String line, boolean journal) {
        return journal ? EventFormat.ERROR + line.replace("\n", "\n" + EventFormat.ERROR) : line;
    }

    private static final class Queue extends Handler {
        private final EventWriter to;

        Queue(EventWriter to, Formatter format) {
            this.to = to;
            setFormatter(format);
            setLevel(java.util.logging.Level.ALL);
        }

        @Override
        public void publish(LogRecord message) {
            if (isLoggable(message)) to.add(getFormatter().format(message));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    /// Is standard error the journal's? The variable alone does not say so: it is inherited, and output may be redirected.
    ///
    /// @param stream device and inode, `9:12345` (systemd.exec(5)); null where unset
    static boolean isJournal(@Nullable String stream) {
        if (stream == null) return false;
        try {
            Path stderr = Path.of("/proc/self/fd/2");
            Object device = Files.getAttribute(stderr, "unix:dev");
            Object inode = Files.getAttribute(stderr, "unix:ino");
            return stream.equals(device + ":" + inode);
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException _) {
            return true; // Where it cannot be seen, the variable is believed.
        }
    }

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

    /// Something is different now: told at `info`, and remembered.
    public static void changed(String event, Object... keyValues) {
        changed(Level.INFO, event, keyValues);
    }

    /// Like [#changed], where someone may have to act: told at `warn`.
    public static void worsened(String event, Object... keyValues) {
        changed(Level.WARN, event, keyValues);
    }

    private static void changed(Level level, String event, Object... keyValues) {
        CHANGES.add(event, line("", keyValues).stripLeading());
        log(level, event, keyValues);
    }

    /// What changed lately, the newest first: at most the last 100 changes of this process.
    public static List<Change> recent() {
        return CHANGES.list();
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
