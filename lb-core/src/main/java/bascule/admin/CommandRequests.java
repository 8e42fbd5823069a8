package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.config.Spelling;
import bascule.observe.Events;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What can be asked over the admin socket beside the pages: which request is which command, and what its result is in JSON.
/// Commands start on a thread of their own, one after the other; each that may change something is told as an event.
final class CommandRequests implements AutoCloseable {
    private static final JsonFactory JSON = new JsonFactory();

    /// Names in an error, at most.
    private static final int KNOWN = 10;

    private static final String SERVERS = "/servers/";
    private static final String FLOATING_IPS = "/floating-ips/";
    private static final String HAND_OVER = "/handover";

    private final Commands commands;
    private final Duration patience;
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(new DefaultThreadFactory("admin-command", true));

    /// A path, understood.
    private sealed interface Target {
        record Configuration() implements Target {}

        record Look(String backend, String server) implements Target {}

        record Change(Commands.Verb verb, String backend, String server) implements Target {}

        record Reload() implements Target {}

        record ReopenLogs() implements Target {}

        /// @param floatingIp null = all of this node's
        record HandOver(@Nullable String floatingIp) implements Target {}

        /// A name in it is no name.
        record Unreadable() implements Target {}
    }

    private interface Fields {
        void write(JsonGenerator to) throws IOException;
    }

    /// @param patience for a command to have its result
    CommandRequests(Commands commands, Duration patience) {
        this.commands = commands;
        this.patience = patience;
    }

    /// Commands under way are left to themselves.
    @Override
    public void close() {
        thread.shutdownNow();
    }

    /// Does asking for this path change something, so that it takes POST and nothing else?
    boolean changes(String path) {
        return changes(target(path));
    }

    private static boolean changes(@Nullable Target target) {
        return switch (target) {
            case Target.Change _, Target.Reload _, Target.ReopenLogs _, Target.HandOver _ -> true;
            case Target.Configuration _, Target.Look _, Target.Unreadable _ -> false;
            case null -> false;
        };
    }

    /// Always completed, never exceptionally, and not on the caller's thread.
    ///
    /// @param post is it a POST? Else it is GET or HEAD
    /// @param path as it came, percent-encoded, without its query
    /// @param user who asks, for the log; called on another thread, and may block that
    /// @return null for a path that is no command's, or a method that the path does not take
    @Nullable CompletableFuture<Pages.Page> answer(
            boolean post, String path, Supplier<String> user) {
        Target target = target(path);
        if (target == null || changes(target) != post) return null;
        var asked = new Asked(target, user);
        try {
            return CompletableFuture.supplyAsync(() -> begin(asked), thread)
                    .thenCompose(Function.identity())
                    .orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS)
                    .exceptionally(failure -> failed(asked, failure))
                    .thenApply(page -> told(asked, page));
        } catch (RejectedExecutionException _) {
            return CompletableFuture.completedFuture(stopping());
        }
    }

    private static final class Asked {
        final Target target;
        final Supplier<String> user;
        volatile String by = "unknown"; // Until it is known.

        Asked(Target target, Supplier<String> user) {
            this.target = target;
            this.user = user;
        }
    }

    private static @Nullable Target target(String path) {
        return switch (path) {
            case "/config" -> new Target.Configuration();
            case "/reload" -> new Target.Reload();
            case "/logs/reopen" -> new Target.ReopenLogs();
            case HAND_OVER -> new Target.HandOver(null);
            default -> {
                if (path.startsWith(SERVERS)) yield server(path.substring(SERVERS.length()));
                if (path.startsWith(FLOATING_IPS))
                    yield floatingIp(path.substring(FLOATING_IPS.length()));
                yield null;
            }
        };
    }

    /// `NAME/handover`.
    private static @Nullable Target floatingIp(String rest) {
        if (!rest.endsWith(HAND_OVER)) return null;
        String name = decoded(rest.substring(0, rest.length() - HAND_OVER.length()));
        if (name == null) return new Target.Unreadable();
        return name.isEmpty() ? null : new Target.HandOver(name);
    }

    /// `BACKEND/SERVER` or `BACKEND/SERVER/VERB`. A server's name may hold a `/`, encoded or not: what it is called lies between the
    /// first one and a verb at the end.
    private static @Nullable Target server(String names) {
        int first = names.indexOf('/');
        if (first <= 0) return null;
        int last = names.lastIndexOf('/');
        Commands.Verb verb = last > first ? verb(names.substring(last + 1)) : null;
        String backend = decoded(names.substring(0, first));
        String server = decoded(names.substring(first + 1, verb == null ? names.length() : last));
        if (backend == null || server == null) return new Target.Unreadable();
        if (server.isEmpty()) return null;
        return verb == null
                ? new Target.Look(backend, server)
                : new Target.Change(verb, backend, server);
    }

    private static Commands.@Nullable Verb verb(String word) {
        for (Commands.Verb verb : Commands.Verb.values()) if (word(verb).equals(word)) return verb;
        return null;
    }

    private static String word(Commands.Verb verb) {
        return verb.name().toLowerCase(Locale.ROOT);
    }

    /// @return null if it is not percent-encoded UTF-8 (RFC 3986 §2.1)
    private static @Nullable String decoded(String text) {
        var bytes = ByteBuffer.allocate(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '%') {
                boolean isByte =
                        i + 2 < text.length()
                                && HexFormat.isHexDigit(text.charAt(i + 1))
                                && HexFormat.isHexDigit(text.charAt(i + 2));
                if (!isByte) return null;
                bytes.put((byte) HexFormat.fromHexDigits(text, i + 1, i + 3));
                i += 2;
            } else if (c > ' ' && c < 0x7f) {
                bytes.put((byte) c);
            } else {
                return null;
            }
        }
        try {
            return UTF_8.newDecoder().decode(bytes.flip()).toString();
        } catch (CharacterCodingException _) {
            return null;
        }
    }

    /// On the thread of commands.
    private CompletableFuture<Pages.Page> begin(Asked asked) {
        asked.by = asked.user.get();
        return switch (asked.target) {
            case Target.Configuration _ ->
                    CompletableFuture.completedFuture(text(commands.configuration()));
            case Target.Look(String backend, String server) ->
                    commands.server(backend, server).thenApply(is -> of(is, backend, server));
            case Target.Change(Commands.Verb verb, String backend, String server) ->
                    commands.change(verb, backend, server).thenApply(is -> of(is, backend, server));
            case Target.Reload _ -> commands.reload().thenApply(CommandRequests::of);
            case Target.ReopenLogs _ -> commands.reopenLogs().thenApply(CommandRequests::of);
            case Target.HandOver(String floatingIp) ->
                    commands.handOver(floatingIp).thenApply(is -> of(is, floatingIp));
            case Target.Unreadable _ ->
                    CompletableFuture.completedFuture(
                            error(400, "a name is unreadable (expected: percent-encoded UTF-8)"));
        };
    }

    private Pages.Page failed(Asked asked, Throwable failure) {
        Throwable cause = failure.getCause() == null ? failure : failure.getCause();
        if (failure instanceof TimeoutException || cause instanceof TimeoutException)
            return error(
                    504,
                    "no result within %d s, and it may still come".formatted(patience.toSeconds()));
        Events.bug("command-failed", cause, "target", asked.target);
        return error(500, "failed: see the log");
    }

    private static Pages.Page told(Asked asked, Pages.Page page) {
        switch (asked.target) {
            case Target.Change(Commands.Verb verb, String backend, String server) ->
                    Events.info(
                            "command",
                            "verb",
                            word(verb),
                            "server",
                            backend + "/" + server,
                            "user",
                            asked.by,
                            "answer",
                            page.code());
            case Target.Reload _ -> told("reload", asked, page);
            case Target.ReopenLogs _ -> told("reopen-logs", asked, page);
            case Target.HandOver(String floatingIp) ->
                    Events.info(
                            "command",
                            "verb",
                            "handover",
                            "floating-ip",
                            floatingIp == null ? "all" : floatingIp,
                            "user",
                            asked.by,
                            "answer",
                            page.code());
            case Target.Configuration _, Target.Look _, Target.Unreadable _ -> {}
        }
        return page;
    }

    private static void told(String verb, Asked asked, Pages.Page page) {
        Events.info("command", "verb", verb, "user", asked.by, "answer", page.code());
    }

    private static Pages.Page of(Commands.ReloadResult result) {
        return switch (result) {
            case Commands.Reloaded(String hash, List<String> changes) ->
                    json(
                            200,
                            to -> {
                                to.writeStringField("hash", hash);
                                strings(to, "changes", changes);
                            });
            case Commands.Refused(List<String> problems) ->
                    json(
                            422,
                            to -> {
                                to.writeStringField("error", "the configuration is refused");
                                strings(to, "problems", problems);
                            });
            case Commands.Failed(String cause) -> error(409, cause);
            case Commands.Stopping _ -> stopping();
        };
    }

    private static Pages.Page of(Commands.LogsResult result) {
        return switch (result) {
            case Commands.Reopened(List<String> files) ->
                    json(200, to -> strings(to, "files", files));
            case Commands.Failed(String cause) -> error(500, cause);
            case Commands.Stopping _ -> stopping();
        };
    }

    private static Pages.Page of(Commands.HandOverResult result, @Nullable String floatingIp) {
        return switch (result) {
            case Commands.HandedOver(List<Commands.Move> moves) -> {
                List<String> failures =
                        moves.stream()
                                .filter(move -> move.failure() != null)
                                .map(move -> move.floatingIp() + ": " + move.failure())
                                .toList();
                yield json(
                        failures.isEmpty() ? 200 : 409,
                        to -> {
                            if (!failures.isEmpty())
                                to.writeStringField("error", String.join("; ", failures));
                            to.writeArrayFieldStart("moves");
                            for (Commands.Move move : moves) move(to, move);
                            to.writeEndArray();
                        });
            }
            case Commands.NoSuchFloatingIp(List<String> known) ->
                    error(404, "no floating IP " + unknown(String.valueOf(floatingIp), known));
            case Commands.Failed(String cause) -> error(409, cause);
            case Commands.Stopping _ -> stopping();
        };
    }

    private static void move(JsonGenerator to, Commands.Move move) throws IOException {
        to.writeStartObject();
        to.writeStringField("floatingIp", move.floatingIp());
        to.writeStringField("from", move.from());
        to.writeStringField("to", move.to());
        to.writeArrayFieldStart("steps");
        for (Commands.Step step : move.steps()) {
            to.writeStartObject();
            to.writeStringField("name", step.name());
            to.writeNumberField("millis", step.millis());
            to.writeEndObject();
        }
        to.writeEndArray();
        to.writeStringField("failure", move.failure());
        to.writeEndObject();
    }

    private static Pages.Page of(Commands.ServerResult result, String backend, String server) {
        return switch (result) {
            case Commands.ServerIs(
                            String admin,
                            String state,
                            long exchanges,
                            @Nullable String notKept) ->
                    json(
                            200,
                            to -> {
                                to.writeStringField("backend", backend);
                                to.writeStringField("server", server);
                                to.writeStringField("admin", admin);
                                to.writeStringField("state", state);
                                to.writeNumberField("exchanges", exchanges);
                                to.writeBooleanField("kept", notKept == null);
                                to.writeStringField("notKept", notKept);
                            });
            case Commands.NoSuchBackend(List<String> known) ->
                    error(404, "no backend " + unknown(backend, known));
            case Commands.NoSuchServer(List<String> known) ->
                    error(404, "backend " + backend + " has no server " + unknown(server, known));
            case Commands.Stopping _ -> stopping();
        };
    }

    /// Those that begin alike come first: addresses differ at their ends.
    private static String unknown(String name, List<String> known) {
        String suggestion = Spelling.suggest(name, known);
        if (known.isEmpty()) return name + " (expected: there is none)";
        List<String> near =
                known.stream()
                        .sorted(Comparator.comparingInt(each -> -alike(each, name)))
                        .limit(KNOWN)
                        .toList();
        int more = known.size() - near.size();
        return "%s%s (expected: %s%s)"
                .formatted(
                        name,
                        suggestion,
                        String.join(", ", near),
                        more == 0 ? "" : " or one of " + more + " more");
    }

    /// Characters from the start.
    private static int alike(String a, String b) {
        int i = 0;
        while (i < a.length() && i < b.length() && a.charAt(i) == b.charAt(i)) i++;
        return i;
    }

    private static Pages.Page stopping() {
        return error(503, "the daemon is stopping");
    }

    static Pages.Page error(int code, String what) {
        return json(code, to -> to.writeStringField("error", what));
    }

    private static Pages.Page text(String text) {
        return new Pages.Page(200, "text/plain; charset=utf-8", text.getBytes(UTF_8));
    }

    private static void strings(JsonGenerator to, String key, List<String> values)
            throws IOException {
        to.writeArrayFieldStart(key);
        for (String value : values) to.writeString(value);
        to.writeEndArray();
    }

    private static Pages.Page json(int code, Fields fields) {
        var out = new ByteArrayOutputStream();
        try (JsonGenerator to = JSON.createGenerator(out)) {
            to.setPrettyPrinter(StatusJson.printer());
            to.writeStartObject();
            fields.write(to);
            to.writeEndObject();
            to.writeRaw('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e); // Memory does not fail this way.
        }
        return new Pages.Page(code, "application/json", out.toByteArray());
    }
}
