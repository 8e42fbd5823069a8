package bascule;

import bascule.AdminClient.Answer;
import bascule.observe.Events;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What the command line asks of a running daemon, and how it tells what came of it. Each returns an exit code. An
/// [IOException] is an answer that did not come; its message says why.
final class ClientVerbs {
    /// Longer than the daemon takes to give a command up.
    private static final Duration PATIENCE = Duration.ofSeconds(70);

    /// For one of many: what is watched is shown to be silent soon.
    private static final Duration LOOK_PATIENCE = Duration.ofSeconds(3);

    private static final Duration FIRST_LOOK = Duration.ofMillis(50);
    private static final Duration LATER_LOOK = Duration.ofSeconds(1);

    private final AdminClient daemon;

    /// How a server is, as the daemon said.
    private record Seen(String admin, String state, long exchanges) {
        static Seen of(Json said) throws IOException {
            double exchanges = said.get("exchanges").number();
            // Nothing is not zero: who waits for an end must not be told of one.
            if (Double.isNaN(exchanges))
                throw new IOException("the daemon does not say how many exchanges run");
            return new Seen(
                    said.get("admin").text(), said.get("state").text(), Math.round(exchanges));
        }

        /// Is it where this was to bring it?
        boolean hasReached(Verb verb) {
            return verb == Verb.ENABLE ? state.equals("up") : exchanges == 0;
        }

        /// Does somebody want something else of it by now?
        boolean isOverruled(Verb verb) {
            return admin.equals("enabled") != (verb == Verb.ENABLE);
        }

        String running() {
            return switch ((int) Math.min(exchanges, 2)) {
                case 0 -> "no exchange running";
                case 1 -> "1 exchange running";
                default -> exchanges + " exchanges running";
            };
        }
    }

    /// What to do with a server.
    enum Verb {
        DRAIN,
        ENABLE,
        DISABLE
    }

    ClientVerbs(AdminClient daemon) {
        this.daemon = daemon;
    }

    /// @param asJson as `/status` has it, not as a table
    int status(boolean asJson) throws IOException {
        Answer answer = daemon.get("/status");
        if (answer.status() != 200) return refused(answer);
        if (asJson) {
            System.out.print(answer.body());
            return Main.OK;
        }
        Terminal terminal = Terminal.ofOutput();
        String table =
                StatusTable.render(
                        json(answer),
                        null,
                        terminal == null ? Integer.MAX_VALUE : terminal.columns(),
                        terminal != null && Terminal.wantsColour(System.getenv()));
        System.out.print(StatusTable.printable(table, System.out.charset()));
        return Main.OK;
    }

    /// Until a signal ends it, or nobody reads on.
    int watch() throws IOException {
        try {
            new StatusWatch(
                            this::look,
                            System.out,
                            Terminal::ofOutput,
                            Terminal.wantsColour(System.getenv()))
                    .run();
            return Main.FAILED;
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    private Json look() throws IOException {
        Answer answer = daemon.ask("GET", "/status", LOOK_PATIENCE);
        if (answer.status() != 200) throw new IOException("the daemon answered " + answer.status());
        return json(answer);
    }

    int showConfig() throws IOException {
        Answer answer = daemon.get("/config");
        if (answer.status() != 200) return refused(answer);
        System.out.print(answer.body());
        return Main.OK;
    }

    int reload() throws IOException {
        Answer answer = daemon.ask("POST", "/reload", PATIENCE);
        return switch (answer.status()) {
            case 200 -> {
                List<Json> changes = json(answer).get("changes").list();
                changes.forEach(change -> System.out.println(change.text()));
                if (changes.isEmpty()) System.out.println("nothing changed");
                yield Main.OK;
            }
            case 422 -> {
                List<Json> problems = json(answer).get("problems").list();
                problems.forEach(problem -> Events.complain(problem.text()));
                yield Main.REFUSED;
            }
            default -> refused(answer);
        };
    }

    /// @param floatingIp null = all that the daemon's node owns
    int handOver(@Nullable String floatingIp) throws IOException {
        String path =
                floatingIp == null
                        ? "/handover"
                        : "/floating-ips/" + ServerName.encoded(floatingIp) + "/handover";
        Answer answer = daemon.ask("POST", path, PATIENCE);
        Json said = json(answer);
        List<Json> moves = said.get("moves").list();
        if (answer.status() != 200 && moves.isEmpty()) return refused(answer);
        if (moves.isEmpty())
            System.out.println("nothing to hand over: this node owns no floating IP");
        for (Json move : moves) tell(move);
        return answer.status() == 200 ? Main.OK : Main.FAILED;
    }

    private static void tell(Json move) {
        String name = StatusTable.clean(move.get("floatingIp").text());
        String from = StatusTable.clean(move.get("from").text());
        String to = StatusTable.clean(move.get("to").text());
        double allMillis = 0;
        for (Json step : move.get("steps").list()) {
            double millis = step.get("millis").number();
            allMillis += millis;
            System.out.printf(
                    Locale.ROOT,
                    "%s: %-8s %8.1f ms%n",
                    name,
                    StatusTable.clean(step.get("name").text()),
                    millis);
        }
        String failure = StatusTable.clean(move.get("failure").text());
        if (failure.isEmpty())
            System.out.printf(
                    Locale.ROOT, "%s: from %s to %s in %.1f ms%n", name, from, to, allMillis);
        else if (to.isEmpty()) Main.complain(name + ": has no owner: " + failure);
        else Main.complain("%s: %s still owns it: %s".formatted(name, to, failure));
    }

    /// @param patience how long to wait until what runs has ended, or, to enable, until it is up; null = not at all
    int change(Verb verb, ServerName server, @Nullable Duration patience) throws IOException {
        String word = verb.name().toLowerCase(Locale.ROOT);
        Answer answer = daemon.ask("POST", server.path() + "/" + word, PATIENCE);
        if (answer.status() != 200) return refused(answer);
        Json said = json(answer);
        String notKept = said.get("notKept").text();
        if (!notKept.isEmpty())
            Main.complain(server + ": would not outlive a restart of the daemon: " + notKept);
        if (patience != null) return await(verb, server, Seen.of(said), patience);
        tell(server, Seen.of(said));
        return Main.OK;
    }

    private int await(Verb verb, ServerName server, Seen first, Duration patience)
            throws IOException {
        long start = System.nanoTime();
        Duration pause = FIRST_LOOK;
        Seen seen = first;
        while (!seen.hasReached(verb)) {
            if (seen.isOverruled(verb)) {
                Main.complain(
                        "%s: is %s by another command, %s"
                                .formatted(server, seen.admin(), seen.running()));
                return Main.FAILED;
            }
            Duration left = patience.minusNanos(System.nanoTime() - start);
            if (!left.isPositive()) {
                Main.complain(
                        "%s: %s, %s after %s (expected: %s)"
                                .formatted(
                                        server,
                                        seen.state(),
                                        seen.running(),
                                        text(patience),
                                        verb == Verb.ENABLE ? "up" : "none"));
                return Main.FAILED;
            }
            pause(pause.compareTo(left) < 0 ? pause : left);
            pause = pause.multipliedBy(2);
            if (pause.compareTo(LATER_LOOK) > 0) pause = LATER_LOOK;
            Answer answer = daemon.get(server.path());
            if (answer.status() != 200) return refused(answer);
            seen = Seen.of(json(answer));
        }
        tell(server, seen);
        return Main.OK;
    }

    private static void tell(ServerName server, Seen seen) {
        System.out.println(server + ": " + seen.state() + ", " + seen.running());
    }

    private static String text(Duration duration) {
        return duration.toString().substring(2).toLowerCase(Locale.ROOT);
    }

    private static void pause(Duration duration) throws IOException {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static int refused(Answer answer) throws IOException {
        String error = json(answer).get("error").text();
        Main.complain(error.isEmpty() ? "the daemon answered " + answer.status() : error);
        return Main.FAILED;
    }

    private static Json json(Answer answer) throws IOException {
        try {
            return Json.parse(answer.body());
        } catch (IOException e) {
            throw new IOException(
                    "the daemon answered " + answer.status() + " with what is no JSON", e);
        }
    }
}
