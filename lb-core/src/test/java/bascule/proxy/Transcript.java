package bascule.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What passes on the wires on both sides of the daemon, as text: one trick per file. First `#` says what the trick is, then
/// `listener:` and `backend:` lines are put into these blocks of the configuration, where `{backend}` is the backend's name, and
/// `uncut: why` stands where it matters how the bytes are cut. Then the steps, in the order in which they happen:
///
/// - `== client sends`, `== server sends`: the bytes below it
/// - `== client receives`, `== server receives`: exactly the bytes below it
/// - `== client ends`: it will send no more (FIN); `== client closes`; `== client resets`; the same for the server
/// - `== client sees end` or `reset`, or `cut`, which is either; the same for the server
/// - `== new client`, `== new server`: from here on these words mean another connection; the one before has to stay as it is
/// - `== pause 300 ms`
///
/// A line stands for itself and CR LF; one that ends in `\` for itself alone. `\r`, `\n`, `\t`, `\0`, `\\`, `\x80` are bytes,
/// `{9*x}` is `xxxxxxxxx`, `{front}` the daemon's address and port. Where something is received `{id}` stands for a request ID,
/// `{date}` for a date.
///
/// At the end every connection is still open unless its end was part of the story, nothing else has been received by anyone, and
/// no other connection was made to the server.
record Transcript(String name, String listener, String backend, boolean cuts, List<Step> steps) {
    private static final Pattern REPEATED = Pattern.compile("\\{(\\d+)\\*([^}]+)\\}");

    /// Characters that no byte has, each for any one of a kind.
    static final char ANY_HEX = '\ue000';

    static final char ANY_PRINTABLE = '\ue001';

    enum Side {
        CLIENT,
        SERVER
    }

    sealed interface Step {
        /// Bytes to be sent, with `{front}` still to be put in.
        record Send(Side side, String bytes) implements Step {}

        record Receive(Side side, String bytes) implements Step {}

        record Ends(Side side) implements Step {}

        record Closes(Side side) implements Step {}

        record Resets(Side side) implements Step {}

        /// @param how `end`, `reset` or `cut`
        record Sees(Side side, String how) implements Step {}

        record New(Side side) implements Step {}

        record Pause(long millis) implements Step {}
    }

    static Transcript read(Path file) {
        try {
            String name = file.getFileName().toString().replaceFirst("\\.txt$", "");
            return parse(name, Files.readString(file, UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Transcript parse(String name, String text) {
        var listener = new StringBuilder();
        var backend = new StringBuilder();
        var steps = new ArrayList<Step>();
        boolean cuts = true;
        List<String> lines = text.lines().toList();
        int at = 0;
        for (; at < lines.size() && !lines.get(at).startsWith("== "); at++) {
            String line = lines.get(at);
            if (line.startsWith("listener: ")) listener.append(line.substring(10)).append('\n');
            else if (line.startsWith("backend: ")) backend.append(line.substring(9)).append('\n');
            else if (line.startsWith("uncut: ")) cuts = false;
            else if (!line.startsWith("#") && !line.isBlank())
                throw new IllegalArgumentException(name + ": " + line);
        }
        while (at < lines.size()) {
            String what = lines.get(at++).substring(3);
            var bytes = new StringBuilder();
            for (; at < lines.size() && !lines.get(at).startsWith("== "); at++)
                bytes.append(unescape(lines.get(at)));
            steps.add(step(name, what, bytes.toString()));
        }
        if (steps.isEmpty()) throw new IllegalArgumentException(name + " has no steps");
        return new Transcript(
                name, listener.toString(), backend.toString(), cuts, List.copyOf(steps));
    }

    private static Step step(String name, String what, String bytes) {
        String[] words = what.split(" ", -1);
        if (words[0].equals("new")) return new Step.New(side(words[1]));
        if (words[0].equals("pause")) return new Step.Pause(Long.parseLong(words[1]));
        Side side = side(words[0]);
        boolean carriesBytes = words[1].equals("sends") || words[1].equals("receives");
        if (carriesBytes == bytes.isEmpty())
            throw new IllegalArgumentException(name + ": bytes and no bytes at " + what);
        return switch (words[1]) {
            case "sends" -> new Step.Send(side, bytes);
            case "receives" ->
                    new Step.Receive(
                            side,
                            bytes.replace("{id}", String.valueOf(ANY_HEX).repeat(32))
                                    .replace("{date}", String.valueOf(ANY_PRINTABLE).repeat(29)));
            case "ends" -> new Step.Ends(side);
            case "closes" -> new Step.Closes(side);
            case "resets" -> new Step.Resets(side);
            case "sees" -> new Step.Sees(side, words[2]);
            default -> throw new IllegalArgumentException(name + ": " + what);
        };
    }

    private static Side side(String word) {
        return Side.valueOf(word.toUpperCase(java.util.Locale.ROOT));
    }

    private static String unescape(String line) {
        Matcher repeated = REPEATED.matcher(line);
        String whole =
                repeated.replaceAll(
                        match ->
                                Matcher.quoteReplacement(
                                        match.group(2).repeat(Integer.parseInt(match.group(1)))));
        var bytes = new StringBuilder();
        for (int i = 0; i < whole.length(); i++) {
            char c = whole.charAt(i);
            if (c != '\\') {
                bytes.append(c);
                continue;
            }
            if (++i == whole.length()) return bytes.toString(); // No line end.
            switch (whole.charAt(i)) {
                case 'r' -> bytes.append('\r');
                case 'n' -> bytes.append('\n');
                case 't' -> bytes.append('\t');
                case '0' -> bytes.append('\0');
                case '\\' -> bytes.append('\\');
                case 'x' -> {
                    bytes.append((char) Integer.parseInt(whole.substring(i + 1, i + 3), 16));
                    i += 2;
                }
                default -> throw new IllegalArgumentException("escape in " + line);
            }
        }
        return bytes.append("\r\n").toString();
    }

    @Override
    public String toString() {
        return name;
    }

    /// All that a side sends, in bytes; where it may be cut are the places between them.
    int sent(Side side, String front) {
        int sent = 0;
        for (Step step : steps) {
            if (step instanceof Step.Send(var by, var bytes) && by == side)
                sent += bytes.replace("{front}", front).length();
        }
        return sent;
    }
}
