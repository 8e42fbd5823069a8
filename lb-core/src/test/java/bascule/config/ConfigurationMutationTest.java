package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Seeded slips of an operator, 5,000 of them, in the files that we ship: each is refused, at the line where it was made;
/// what is only a matter of taste loads to the same configuration.
final class ConfigurationMutationTest {
    private static final long SEED = 20261120;
    private static final int MUTATIONS = Boolean.getBoolean("bascule.long") ? 200_000 : 5_000;

    /// Every word of the schema, written down here a second time.
    private static final Set<String> WORDS =
            Set.of(
                    ("listeners bind backend routes redirect scheme host port status trust forwarded x-forwarded via request-id "
                                    + "limits connections header-time headers header-count request-line body body-idle pipelined timeouts idle "
                                    + "tunnel backends servers name address weight backup balance connect response admin http allow logging "
                                    + "access file level shutdown grace loops transport path method header value respond content-type "
                                    + "deny rate-limit rate burst request-headers response-headers set add remove error-pages rewrite "
                                    + "connections-per-client check tcp expect every timeout fall rise eject errors within for at-most "
                                    + "slow-start capacity queue wait retry tries budget sticky lifetime on-drain maintenance page "
                                    + "retry-after except socket state protocol tls verify ca certificate key grpc certificates policy "
                                    + "minimum strict-sni client-auth client-ca hosts hsts max-age include-subdomains preload "
                                    + "handshake-time protocols streams")
                            .split(" "));

    private static final Pattern FIELD =
            Pattern.compile(
                    "(\"[A-Za-z][A-Za-z0-9.-]*\"|[A-Za-z][A-Za-z0-9.-]*|[0-9]{3})\\s*([=:]\\s*|(?=\\{))");
    private static final Pattern AMOUNT =
            Pattern.compile("([0-9]+)(ms|s|m|h|d|B|KiB|MiB|GiB|%|/s|/m|/h)?");
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9.-]+|/[a-z./]*");

    /// A file, and where its keys and values stand.
    ///
    /// @param text with each comment overwritten by blanks
    private record Base(Path file, String text, List<Field> fields, Configuration configuration) {}

    /// @param blockLine the line on which the innermost block around it begins; 0 = none
    /// @param isFree whether it stands under `let`
    /// @param parent the last key of that block
    private record Field(
            int line,
            int blockLine,
            boolean isFree,
            String parent,
            int start,
            int keyEnd,
            int valueStart,
            int valueEnd,
            String key,
            String value) {}

    /// @param line where it must be refused; 0 = it must load, to the same
    private record Mutation(String kind, String text, int line) {}

    @Test
    void givenSeededSlips_whenLoaded_thenRefusedWhereTheyAre() throws IOException {
        var random = new Random(SEED);
        List<Base> bases = bases();
        var counts = new TreeMap<String, Integer>();
        var elsewhere = new TreeMap<String, List<String>>();
        int refused = 0;
        for (int done = 0; done < MUTATIONS; ) {
            Base base = bases.get(random.nextInt(bases.size()));
            Mutation mutation = mutate(base, random);
            if (mutation == null) continue;
            done++;
            counts.merge(mutation.kind(), 1, Integer::sum);
            String replay =
                    "seed "
                            + SEED
                            + ", number "
                            + done
                            + ": "
                            + mutation.kind()
                            + " in "
                            + base.file();

            LoadResult result = ConfigurationLoader.parse(mutation.text(), base.file(), Map.of());

            if (mutation.line() == 0) {
                assertThat(Configs.problems(result)).as(replay).isEmpty();
                assertThat(Configs.loaded(result)).as(replay).isEqualTo(base.configuration());
                continue;
            }
            refused++;
            List<Problem> problems = Configs.problems(result);
            assertThat(problems)
                    .as("%s:%d\n%s", replay, mutation.line(), mutation.text())
                    .isNotEmpty();
            boolean isThere =
                    problems.stream()
                            .anyMatch(
                                    each ->
                                            each.line() == mutation.line()
                                                    && each.file().equals(base.file().toString()));
            if (isThere) continue;
            String original = base.text().lines().skip(mutation.line() - 1).findFirst().orElse("");
            String where =
                    base.file().getFileName() + ":" + mutation.line() + ": " + original.strip();
            String seen = "such as " + problems.getFirst().toString().replaceFirst("^.*/", "");
            elsewhere
                    .computeIfAbsent(mutation.kind() + ", " + where, _ -> new ArrayList<>())
                    .add(seen);
        }

        System.out.println("mutations: " + counts);
        int missed = elsewhere.values().stream().mapToInt(List::size).sum();
        System.out.println("refused: " + refused + ", of these at another line: " + missed);
        elsewhere.forEach(
                (where, seen) ->
                        System.out.println(
                                "  " + seen.size() + " × " + where + ", " + seen.getFirst()));
        assertThat(counts.values())
                .allMatch(count -> count > MUTATIONS / 50); // No kind is starved.
        assertThat(missed).isLessThanOrEqualTo(refused / 100);
    }

    private static List<Base> bases() throws IOException {
        var bases = new ArrayList<Base>();
        for (Path file : Configs.shipped()) bases.add(base(file, Files.readString(file)));
        Path shipped = Configs.folder().resolve("bascule.conf");
        var reference = new ReferenceFile(Files.readString(shipped));
        bases.add(base(shipped, reference.withDefaults()));
        bases.add(base(shipped, reference.withExamples()));
        return bases;
    }

    private static Base base(Path file, String text) {
        String bare = withoutComments(text);
        Configuration configuration =
                Configs.loaded(ConfigurationLoader.parse(text, file, Map.of()));
        return new Base(file, bare, fields(bare), configuration);
    }

    private static @Nullable Mutation mutate(Base base, Random random) {
        Field field = base.fields().get(random.nextInt(base.fields().size()));
        return switch (random.nextInt(6)) {
            case 0 -> misspell(base, field, random);
            case 1 -> addUnknown(base, field, random);
            case 2 -> changeUnit(base, field, random);
            case 3 -> changeType(base, field, random);
            case 4 -> drop(base, field);
            default -> neutral(base, field, random);
        };
    }

    private static @Nullable Mutation misspell(Base base, Field field, Random random) {
        if (field.isFree()) return null; // Any name is as good there.
        String[] keys = field.key().split("\\.");
        int which = random.nextInt(keys.length);
        String word = keys[which];
        if (!WORDS.contains(word)) return null; // A name: any other is as good.
        String outer = which == 0 ? field.parent() : keys[which - 1];
        if (outer.equals("listeners") || outer.equals("backends")) return null;
        int at = random.nextInt(word.length());
        char other = (char) ('a' + random.nextInt(26));
        String slip =
                switch (random.nextInt(5)) {
                    case 0 -> word.substring(0, at) + word.substring(at + 1);
                    case 1 -> word.substring(0, at) + other + word.substring(at);
                    case 2 -> word.substring(0, at) + other + word.substring(at + 1);
                    case 3 ->
                            word.replace('-', '_').equals(word)
                                    ? word + "s"
                                    : word.replace('-', '_');
                    default ->
                            word.substring(0, at)
                                    + Character.toUpperCase(word.charAt(at))
                                    + word.substring(at + 1);
                };
        if (slip.isEmpty() || slip.equals("-") || slip.startsWith("-") || WORDS.contains(slip))
            return null;
        if (slip.equals(word)) return null;
        keys[which] = slip;
        return new Mutation(
                "misspelt key",
                replace(base, field.start(), field.keyEnd(), String.join(".", keys)),
                field.line());
    }

    private static @Nullable Mutation addUnknown(Base base, Field field, Random random) {
        if (field.isFree()) return null;
        String unknown =
                List.of(
                                "sesame = open, ",
                                "ssl { certificates = certs }, ",
                                "mode : tcp, ",
                                "maxconn = 5, ",
                                "alpn = h2, ")
                        .get(random.nextInt(5));
        String text = replace(base, field.start(), field.start(), unknown);
        return new Mutation("unknown key", text, field.line());
    }

    private static @Nullable Mutation changeUnit(Base base, Field field, Random random) {
        Matcher amount = AMOUNT.matcher(field.value());
        if (!amount.matches()) return null;
        List<String> units =
                switch (amount.group(2)) {
                    case null -> List.of("s", "ms", "KiB", "k", "%", "/s", " pieces");
                    case "%" -> List.of("", "s", "percent", "/s", "KiB", "%%");
                    case "/s", "/m", "/h" ->
                            List.of("", "s", "/sec", "/min", "/d", "%", "r/s", "/");
                    case "B", "KiB", "MiB", "GiB" ->
                            List.of("", "s", "kb", "kib", "K", "%", "TiB", "KB");
                    default -> List.of("", "sec", "min", "us", "KiB", "%", "w", "M", "S", "/s");
                };
        String value = amount.group(1) + units.get(random.nextInt(units.size()));
        return new Mutation(
                "wrong unit",
                replace(base, field.valueStart(), field.valueEnd(), value),
                field.line());
    }

    private static @Nullable Mutation changeType(Base base, Field field, Random random) {
        if (field.value().indexOf('\n') >= 0) return null;
        var others = new ArrayList<>(List.of("null", "{ \"a b\" = 1 }", "[[5]]"));
        if (AMOUNT.matcher(field.value()).matches())
            others.addAll(List.of("many", "-7", "1.5", "\"\"", "[]"));
        boolean takesMore = // Such as a count, or the name of a cookie.
                Set.of(
                                "capacity",
                                "eject",
                                "retry",
                                "sticky",
                                "connections-per-client",
                                "queue",
                                "tries")
                        .contains(last(field.key()));
        if (Set.of("on", "off").contains(field.value()) && !takesMore)
            others.addAll(List.of("yes", "1", "[]", "[on]"));
        if (field.isFree()) return null; // What stands there has no type of its own.
        // A list of one block reads as that block, so an unknown key is in it, on the same line.
        String value = others.get(random.nextInt(others.size()));
        if (value.startsWith("[]")
                && Set.of("routes", "trust", "allow", "deny", "except", "remove")
                        .contains(last(field.key()))) return null;
        String separator = base.text().charAt(field.valueStart()) == '{' ? " = " : "";
        return new Mutation(
                "wrong type",
                replace(base, field.valueStart(), field.valueEnd(), separator + value),
                field.line());
    }

    private static @Nullable Mutation drop(Base base, Field field) {
        boolean isRequired =
                switch (last(field.key())) {
                    case "bind", "servers", "address", "status", "rate" -> true;
                    case "http" -> field.parent().equals("check");
                    case "connections" -> field.parent().equals("capacity");
                    case "name" -> field.parent().equals("sticky");
                    case "backend" ->
                            field.value()
                                    .matches("api.*|canary|tenants"); // Of routes; a listener may
                    // have others.
                    default -> false;
                };
        if (!isRequired || field.parent().equals("redirect") || field.isFree()) return null;
        String gap = "\n".repeat((int) field.value().chars().filter(c -> c == '\n').count());
        int end = field.valueEnd();
        if (end < base.text().length() && base.text().charAt(end) == ',') end++;
        int line = field.blockLine() == 0 ? field.line() : field.blockLine();
        // The block of a dotted key is that key's own path: with it goes the block.
        if (field.blockLine() == 0 || field.key().contains(".")) return null;
        return new Mutation("dropped required key", replace(base, field.start(), end, gap), line);
    }

    private static @Nullable Mutation neutral(Base base, Field field, Random random) {
        String text = base.text();
        String value = field.value();
        String mutated =
                switch (random.nextInt(8)) {
                    case 0 -> replace(base, field.start(), field.start(), "  \t ");
                    case 1 ->
                            replace(
                                    base,
                                    lineEnd(text, field.start()),
                                    lineEnd(text, field.start()),
                                    " # was = {");
                    case 2 ->
                            replace(
                                    base,
                                    lineEnd(text, field.start()),
                                    lineEnd(text, field.start()),
                                    " // \"");
                    case 3 ->
                            text.charAt(field.start()) == '"' // Its dots are no path.
                                    ? null
                                    : replace(
                                            base,
                                            field.start(),
                                            field.keyEnd(),
                                            quoted(field.key()));
                    case 4 ->
                            PLAIN.matcher(value).matches()
                                    ? replace(
                                            base,
                                            field.valueStart(),
                                            field.valueEnd(),
                                            '"' + value + '"')
                                    : null;
                    case 5 ->
                            text.substring(field.keyEnd(), field.valueStart()).contains("=")
                                    ? replace(base, field.keyEnd(), field.valueStart(), ":")
                                    : null;
                    case 6 -> text.replace("\n", "\r\n");
                    default -> swap(base, field);
                };
        return mutated == null ? null : new Mutation("neutral", mutated, 0);
    }

    /// Swaps a field with the one behind it on the same line.
    private static @Nullable String swap(Base base, Field field) {
        for (Field other : base.fields()) {
            if (other.start() <= field.valueEnd()) continue;
            String between = base.text().substring(field.valueEnd(), other.start());
            if (!between.matches(", *") || other.value().indexOf('\n') >= 0) return null;
            return base.text().substring(0, field.start())
                    + base.text().substring(other.start(), other.valueEnd())
                    + between
                    + base.text().substring(field.start(), field.valueEnd())
                    + base.text().substring(other.valueEnd());
        }
        return null;
    }

    private static String quoted(String key) {
        return '"' + String.join("\".\"", key.split("\\.")) + '"';
    }

    private static String last(String key) {
        return key.substring(key.lastIndexOf('.') + 1);
    }

    private static int lineEnd(String text, int at) {
        int end = text.indexOf('\n', at);
        return end < 0 ? text.length() : end;
    }

    private static String replace(Base base, int from, int to, String with) {
        return base.text().substring(0, from) + with + base.text().substring(to);
    }

    private static String withoutComments(String text) {
        var bare = new StringBuilder();
        boolean isQuoted = false;
        boolean isComment = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n') isComment = false;
            else if (c == '\\' && isQuoted) bare.append(text.charAt(i++));
            else if (c == '"' && !isComment) isQuoted = !isQuoted;
            else if (c == '#' && !isQuoted) isComment = true;
            if (!isComment) bare.append(text.charAt(i));
        }
        return bare.toString();
    }

    private static List<Field> fields(String text) {
        var fields = new ArrayList<Field>();

        fields(text, 0, text.length(), 0, false, "", fields);
        return fields;
    }

    private static void fields(
            String text,
            int from,
            int to,
            int blockLine,
            boolean isFree,
            String parent,
            List<Field> into) {
        Matcher field = FIELD.matcher(text);
        int at = from;
        while (at < to) {
            char c = text.charAt(at);
            if (c == '{' || c == '[') {
                int end = close(text, at);
                fields(text, at + 1, end, line(text, at), isFree, parent, into);
                at = end + 1;
                continue;
            }
            field.region(at, to);
            if (!Character.isLetterOrDigit(c) && c != '"' || !field.lookingAt()) {
                at = c == '"' ? text.indexOf('"', at + 1) + 1 : at + 1;
                continue;
            }
            String key = field.group(1).replace("\"", "");
            int start = at;
            int valueStart = field.end();
            int valueEnd = valueStart;
            while (valueEnd < to && ",}]\n".indexOf(text.charAt(valueEnd)) < 0) {
                char v = text.charAt(valueEnd);
                if (v == '"') valueEnd = quoteEnd(text, valueEnd) + 1;
                else if (v == '{' || v == '[') valueEnd = close(text, valueEnd) + 1;
                else valueEnd++;
            }
            while (valueEnd > valueStart && Character.isWhitespace(text.charAt(valueEnd - 1)))
                valueEnd--;
            boolean isNamed = parent.equals("set") || parent.equals("add"); // Any field may be set.
            boolean isLet = isFree || isNamed || key.equals("let") || key.startsWith("let.");
            String value = text.substring(valueStart, valueEnd);
            into.add(
                    new Field(
                            line(text, start),
                            blockLine,
                            isLet,
                            parent,
                            start,
                            field.end(1),
                            valueStart,
                            valueEnd,
                            key,
                            value));
            int inner = valueStart;
            while (inner < valueEnd) {
                char v = text.charAt(inner);
                if (v == '"') inner = quoteEnd(text, inner) + 1;
                else if (v == '$') inner = text.indexOf('}', inner) + 1;
                else if (v == '{' || v == '[') {
                    int end = close(text, inner);
                    int opened = v == '{' ? line(text, start) : blockLine;
                    fields(
                            text,
                            inner + 1,
                            end,
                            v == '{' ? opened : line(text, inner),
                            isLet,
                            last(key),
                            into);
                    inner = end + 1;
                } else inner++;
            }
            at = valueEnd;
        }
    }

    private static int quoteEnd(String text, int open) {
        int at = open + 1;
        while (text.charAt(at) != '"') at += text.charAt(at) == '\\' ? 2 : 1;
        return at;
    }

    private static int close(String text, int open) {
        int depth = 0;
        for (int at = open; ; at++) {
            char c = text.charAt(at);
            if (c == '"') at = quoteEnd(text, at);
            else if (c == '{' || c == '[') depth++;
            else if ((c == '}' || c == ']') && --depth == 0) return at;
        }
    }

    private static int line(String text, int at) {
        return (int) text.substring(0, at).chars().filter(c -> c == '\n').count() + 1;
    }
}
