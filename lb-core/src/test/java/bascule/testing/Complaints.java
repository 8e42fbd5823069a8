package bascule.testing;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/// What is logged as a bug of ours, or what Netty warns of, while a test runs.
final class Complaints extends Handler {
    private static final Logger ROOT = Logger.getLogger("");

    private final Queue<LogRecord> heard = new ConcurrentLinkedQueue<>();

    /// From now on until [#close].
    Complaints() {
        setLevel(Level.WARNING);
        ROOT.addHandler(this);
    }

    @Override
    public void publish(LogRecord message) {
        boolean isNettys =
                message.getLoggerName() != null && message.getLoggerName().startsWith("io.netty");
        int least = (isNettys ? Level.WARNING : Level.SEVERE).intValue();
        if (message.getLevel().intValue() >= least) heard.add(message);
    }

    /// Throws the first complaint.
    void check() {
        LogRecord first = heard.peek();
        if (first == null) return;
        throw new AssertionError(
                heard.size() + " logged: " + first.getMessage(), first.getThrown());
    }

    /// Does what has to be complained of.
    void deaf(Runnable work) {
        ROOT.removeHandler(this);
        try {
            work.run();
        } finally {
            ROOT.addHandler(this);
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        ROOT.removeHandler(this);
    }
}
