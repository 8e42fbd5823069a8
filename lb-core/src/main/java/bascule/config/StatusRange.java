package bascule.config;

/// Status codes from `first` to `last`, both included: `200-399`, or `204` alone.
///
/// @param first 200 to 599
/// @param last not below `first`, up to 599
public record StatusRange(int first, int last) {
    private static final int MIN = 200;
    private static final int MAX = 599;

    static final Kind<StatusRange> KIND =
            new Kind<>("CODE or FIRST-LAST, 200 to 599", StatusRange::parse);

    public boolean contains(int status) {
        return status >= first && status <= last;
    }

    private static Kind.Read<StatusRange> parse(String text) {
        int dash = text.indexOf('-');
        int first = Addresses.decimal(dash < 0 ? text : text.substring(0, dash), MAX);
        int last = dash < 0 ? first : Addresses.decimal(text.substring(dash + 1), MAX);
        if (first < MIN || last < MIN) return Kind.bad("is no status code or range of them");
        return first <= last ? Kind.good(new StatusRange(first, last)) : Kind.bad("is backwards");
    }

    /// As in the file.
    @Override
    public String toString() {
        return first == last ? String.valueOf(first) : first + "-" + last;
    }
}
