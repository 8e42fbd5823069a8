package bascule.config;

import java.math.BigInteger;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A type of scalar: which texts it takes, and what they mean. Quoted or not is all the same, since what comes from the
/// environment is always text.
///
/// @param expected what a good value looks like, the words behind `expected:`
record Kind<T>(String expected, Function<String, Read<T>> reader) {
    /// What came of reading one text.
    sealed interface Read<T> {
        record Good<T>(T value) implements Read<T> {}

        /// @param what is wrong, to follow the value and a colon
        record Bad<T>(String what) implements Read<T> {}
    }

    static final String OFF = "off";

    /// `on` and `off` as the file has them, `true` and `false` as many are used to.
    static final Kind<Boolean> SWITCH =
            new Kind<>(
                    "on or off",
                    text ->
                            switch (text) {
                                case "on", "true" -> good(true);
                                case "off", "false" -> good(false);
                                default -> bad("is no switch");
                            });

    /// A name that an operator gives: it becomes a label of metrics and an argument of commands.
    static final Kind<String> NAME =
            text(
                    "up to 63 of letters, digits, . _ -, other than off and none",
                    "is no name",
                    matches("(?!(off|none)$)[A-Za-z0-9][A-Za-z0-9._-]{0,62}"));

    /// As [#NAME], and also an address, which is the name of a server that has no other.
    static final Kind<String> SERVER_NAME =
            text(
                    "up to 260 of letters, digits, . _ - : [ ], other than off and none",
                    "is no name",
                    matches("(?!(off|none)$)[A-Za-z0-9_\\[][A-Za-z0-9._:\\[\\]-]{0,259}"));

    private static final Pattern AMOUNT =
            Pattern.compile("(-?(?:0|[1-9][0-9]*))(?:\\s*([^0-9\\s]+))?");

    static <T> Read<T> good(T value) {
        return new Read.Good<>(value);
    }

    static <T> Read<T> bad(String what) {
        return new Read.Bad<>(what);
    }

    static Predicate<String> matches(String regex) {
        return Pattern.compile(regex).asMatchPredicate();
    }

    static Kind<String> text(String expected, String otherwise, Predicate<String> test) {
        return new Kind<>(expected, text -> test.test(text) ? good(text) : bad(otherwise));
    }

    /// A number without a unit.
    static Kind<Integer> count(int min, int max) {
        Function<String, Read<Long>> reader =
                text -> {
                    Matcher amount = AMOUNT.matcher(text);
                    if (!amount.matches()) return bad("is no whole number");
                    if (amount.group(2) != null) return bad("takes no unit");
                    return within(new BigInteger(amount.group(1)), min, max);
                };
        return new Kind<>(min + " to " + max, reader).then(Long::intValue);
    }

    static Kind<Duration> duration(Duration min, Duration max) {
        return quantity(min.toNanos(), max.toNanos(), Unit.OF_DURATION).then(Duration::ofNanos);
    }

    /// Whole percents.
    static Kind<Integer> percent(int min, int max) {
        return quantity(min, max, Unit.OF_SHARE).then(Long::intValue);
    }

    /// So many in so long.
    record Rate(long count, Duration per) {}

    /// A count per second, minute or hour.
    static Kind<Rate> rate(long min, long max) {
        Function<String, Read<Rate>> reader =
                text -> {
                    Matcher amount = AMOUNT.matcher(text);
                    if (!amount.matches()) return bad("is no rate");
                    String name = amount.group(2);
                    if (name == null) return bad("has no unit");
                    Unit unit = Unit.named(name, Unit.OF_RATE);
                    if (unit == null)
                        return bad("has an unknown unit" + Unit.suggest(name, Unit.OF_RATE));
                    return switch (within(new BigInteger(amount.group(1)), min, max)) {
                        case Read.Good<Long>(Long count) ->
                                good(new Rate(count, Duration.ofNanos(unit.size())));
                        case Read.Bad<Long>(String what) -> bad(what);
                    };
                };
        return new Kind<>(min + " to " + max + ", and /s, /m or /h", reader);
    }

    static Kind<Long> size(long min, long max) {
        return quantity(min, max, Unit.OF_SIZE);
    }

    private static Kind<Long> quantity(long min, long max, List<Unit> units) {
        Function<String, Read<Long>> reader =
                text -> {
                    Matcher amount = AMOUNT.matcher(text);
                    if (!amount.matches()) return bad("is no whole number with a unit");
                    String name = amount.group(2);
                    if (name == null) return bad("has no unit");
                    Unit unit = Unit.named(name, units);
                    if (unit == null) return bad("has an unknown unit" + Unit.suggest(name, units));
                    BigInteger size = BigInteger.valueOf(unit.size());
                    return within(new BigInteger(amount.group(1)).multiply(size), min, max);
                };
        return new Kind<>(Unit.text(min, units) + " to " + Unit.text(max, units), reader);
    }

    private static Read<Long> within(BigInteger amount, long min, long max) {
        boolean isWithin =
                amount.compareTo(BigInteger.valueOf(min)) >= 0
                        && amount.compareTo(BigInteger.valueOf(max)) <= 0;
        return isWithin ? good(amount.longValue()) : bad("is out of range");
    }

    /// A file that need not be there.
    ///
    /// @param folder where a relative path starts
    static Kind<Path> file(String expected, Path folder) {
        return new Kind<>(
                expected,
                text -> text.endsWith("/") ? bad("is no file") : path(text, folder, "is no file"));
    }

    /// A folder that need not be there.
    ///
    /// @param folder where a relative path starts
    static Kind<Path> folder(Path folder) {
        return new Kind<>("a folder", text -> path(text, folder, "is no folder"));
    }

    private static Read<Path> path(String text, Path folder, String otherwise) {
        if (text.isBlank() || text.equals(OFF)) return bad(otherwise); // No one calls a file that.
        try {
            return good(folder.resolve(text));
        } catch (InvalidPathException _) {
            return bad(otherwise);
        }
    }

    /// The constants of an enum, in its order, as the file spells them.
    static <E extends Enum<E>> Kind<E> choice(Class<E> type) {
        var choices = new LinkedHashMap<String, E>();
        for (E each : type.getEnumConstants()) choices.put(word(each), each);
        return choice(choices);
    }

    static <T> Kind<T> choice(SequencedMap<String, T> choices) {
        Function<String, Read<T>> reader =
                text -> {
                    T chosen = choices.get(text);
                    if (chosen != null) return good(chosen);
                    return bad("is unknown" + Spelling.suggest(text, choices.keySet()));
                };
        return new Kind<>(either(List.copyOf(choices.keySet())), reader);
    }

    /// How the file spells a constant: `IO_URING` is `io-uring`.
    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// The same, or one more word with a meaning of its own.
    Kind<T> or(String word, T meaning) {
        String all = expected + " or " + word;
        return new Kind<>(all, text -> text.equals(word) ? good(meaning) : reader.apply(text));
    }

    /// The same in other words.
    Kind<T> expecting(String words) {
        return new Kind<>(words, reader);
    }

    Read<T> read(String text) {
        return reader.apply(text);
    }

    <U> Kind<U> then(Function<T, U> meaning) {
        return new Kind<>(
                expected,
                text ->
                        switch (reader.apply(text)) {
                            case Read.Good<T>(T value) -> good(meaning.apply(value));
                            case Read.Bad<T>(String what) -> bad(what);
                        });
    }

    /// As a sentence lists them.
    static String both(Collection<?> all) {
        return either(all.stream().map(String::valueOf).toList()).replace(" or ", " and ");
    }

    private static String either(List<String> words) {
        if (words.size() == 1) return words.getFirst();
        String last = words.getLast();
        return String.join(", ", words.subList(0, words.size() - 1)) + " or " + last;
    }
}
