package bascule;

import bascule.TextTable.Paint;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// `bascule status --watch`: the status again and again, in place on a terminal, else one below the other. A daemon that does
/// not answer is said to, and asked on: it may be starting anew.
final class StatusWatch {
    private static final Duration PERIOD = Duration.ofSeconds(1);

    /// What rates are told over, as on the page.
    private static final Duration RATES_OVER = Duration.ofSeconds(10);

    private static final String CLEAR = "\033[2J";
    private static final String HOME = "\033[H";
    private static final String CLEAR_LINE = "\033[K";
    private static final String CLEAR_BELOW = "\033[J";
    private static final String NO_WRAP = "\033[?7l";
    private static final String WRAP = "\033[?7h";

    private final Source source;
    private final PrintStream out;
    private final Supplier<@Nullable Terminal> terminal;
    private final boolean colour;
    private final ArrayDeque<Json> answers = new ArrayDeque<>(); // The latest last.
    private @Nullable Instant silentSince;
    private boolean drawn;

    /// Asks the daemon.
    interface Source {
        /// @throws IOException with a line for the operator
        Json status() throws IOException;
    }

    /// @param terminal null while there is none
    /// @param colour for a terminal
    StatusWatch(
            Source source, PrintStream out, Supplier<@Nullable Terminal> terminal, boolean colour) {
        this.source = source;
        this.out = out;
        this.terminal = terminal;
        this.colour = colour;
    }

    /// Goes on until nobody reads what is written; a signal ends the process.
    void run() throws InterruptedException {
        if (terminal.get() != null) {
            // The signal may come in the middle of a frame.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> show(WRAP)));
        }
        while (!out.checkError()) {
            long start = System.nanoTime();
            look(Instant.now());
            Duration left = PERIOD.minusNanos(System.nanoTime() - start);
            if (left.isPositive()) Thread.sleep(left);
        }
    }

    /// Asks once, and shows what there is to show.
    void look(Instant now) {
        String trouble = null;
        try {
            add(source.status());
            silentSince = null;
        } catch (IOException e) {
            if (silentSince == null) silentSince = now;
            trouble =
                    "! no answer since %s, %s ago: %s\n"
                            .formatted(
                                    silentSince.truncatedTo(ChronoUnit.SECONDS),
                                    StatusTable.age(
                                            Duration.between(silentSince, now).toMillis() / 1000.0),
                                    StatusTable.clean(String.valueOf(e.getMessage())));
        }
        Terminal to = terminal.get();
        if (to == null) print(trouble);
        else draw(to, trouble);
    }

    private void add(Json status) {
        Json last = answers.peekLast();
        boolean isAnother =
                last != null
                        && status.get("uptimeSeconds").number()
                                < last.get("uptimeSeconds").number();
        if (isAnother) answers.clear(); // Its totals begin at 0.
        answers.addLast(status);
        while (answers.size() > 2 && age(second()).compareTo(RATES_OVER) >= 0)
            answers.removeFirst();
    }

    private Json second() {
        return answers.stream().skip(1).findFirst().orElseThrow();
    }

    /// Up to the latest answer.
    private Duration age(Json status) {
        try {
            return Duration.between(
                    Instant.parse(status.get("at").text()),
                    Instant.parse(answers.getLast().get("at").text()));
        } catch (DateTimeParseException _) {
            return RATES_OVER;
        }
    }

    /// @param trouble null if there was an answer
    private void print(@Nullable String trouble) {
        if (trouble != null) {
            show(trouble);
        } else {
            out.print("\nat " + StatusTable.clean(answers.getLast().get("at").text()) + "\n");
            show(table(Integer.MAX_VALUE, false));
        }
        out.flush();
    }

    /// Over what was drawn before, line by line: nothing is cleared that is drawn again, so nothing flickers.
    private void draw(Terminal to, @Nullable String trouble) {
        String text = answers.isEmpty() ? "" : table(to.columns(), colour);
        if (trouble != null)
            text =
                    (colour ? Paint.RED.on(trouble.stripTrailing()) + "\n" : trouble)
                            + (text.isEmpty() ? "" : "As it was then:\n\n" + text);
        String[] lines = text.split("\n", -1); // The last one is empty.
        int most = Math.max(1, to.rows() - 1);
        var frame = new StringBuilder(drawn ? "" : CLEAR).append(HOME).append(NO_WRAP);
        int shown = lines.length - 1 <= most ? lines.length - 1 : most - 1;
        for (int i = 0; i < shown; i++) frame.append(lines[i]).append(CLEAR_LINE).append('\n');
        if (shown < lines.length - 1)
            frame.append("… ")
                    .append(lines.length - 1 - shown)
                    .append(" lines more than this window has")
                    .append(CLEAR_LINE)
                    .append('\n');
        show(frame.append(CLEAR_BELOW).append(WRAP).toString());
        out.flush();
        drawn = true;
    }

    private void show(String text) {
        out.print(StatusTable.printable(text, out.charset()));
    }

    private String table(int width, boolean colour) {
        Json before = answers.size() > 1 ? answers.getFirst() : answers.getLast();
        return StatusTable.render(answers.getLast(), before, width, colour);
    }
}
