package bascule.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/// A `request-headers` or `response-headers` block: what becomes of header fields on their way. First `remove`, then `set`,
/// then `add`. Names are compared without regard to case.
///
/// @param set takes the place of all fields of that name; each name once; sorted by name
/// @param add stands beside those there are; sorted by name, a name's values in the order of the file
/// @param remove lower case, each once, none of which is in `set`
public record HeaderEdits(List<HeaderEdit> set, List<HeaderEdit> add, List<String> remove) {
    public static final HeaderEdits NONE = new HeaderEdits(List.of(), List.of(), List.of());

    private static final int MAX_NAMES = 64;
    private static final int MAX_VALUES = 16;

    /// Whose message the fields belong to.
    enum Side {
        REQUEST,
        RESPONSE
    }

    /// What frames a message, or is about one connection only (RFC 9110 §7.6.1, §10.1.1), is ours to say.
    private static final Set<String> OURS =
            Set.of(
                    "connection",
                    "content-length",
                    "expect",
                    "http2-settings",
                    "keep-alive",
                    "proxy-connection",
                    "te",
                    "trailer",
                    "transfer-encoding",
                    "upgrade");

    private static final String HOST = "host";

    private static final Kind<String> NAME =
            new Kind<>("names of header fields, up to 64", HeaderEdits::name);

    private static final Kind<String> VALUE =
            Kind.text(
                    "up to 4096 visible ASCII characters, no blank at the ends",
                    "is no value of a field",
                    Kind.matches("([!-~]([ -~\\t]{0,4094}[!-~])?)?"));

    private static final Predicate<String> IS_TOKEN =
            Kind.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}");

    public HeaderEdits {
        set = List.copyOf(set);
        add = List.copyOf(add);
        remove = List.copyOf(remove);
    }

    public boolean isEmpty() {
        return set.isEmpty() && add.isEmpty() && remove.isEmpty();
    }

    static HeaderEdits read(Section at, String key, Side side) {
        HeaderEdits edits = at.blockIf(key, "set", block -> read(block, side));
        return edits == null ? NONE : edits;
    }

    private static HeaderEdits read(Section at, Side side) {
        var setNames = new TreeSet<String>();
        var set = new ArrayList<HeaderEdit>();
        at.entries(
                "set",
                NAME,
                MAX_NAMES,
                (name, value) -> {
                    boolean isNew = setNames.add(name.toLowerCase(Locale.ROOT));
                    if (!isNew) value.refuseKey("is set twice", "each name once");
                    boolean isHost = name.equalsIgnoreCase(HOST);
                    if (isHost && side == Side.RESPONSE)
                        value.refuseKey("belongs to requests", "another field");
                    String text = value.as(isHost ? HostPattern.WITH_PORT : VALUE);
                    if (text != null) set.add(new HeaderEdit(name, text));
                });
        var addNames = new TreeSet<String>();
        var add = new ArrayList<HeaderEdit>();
        at.entries(
                "add",
                NAME,
                MAX_NAMES,
                (name, value) -> {
                    boolean isNew = addNames.add(name.toLowerCase(Locale.ROOT));
                    if (!isNew) value.refuseKey("is added twice", "one list of its values");
                    if (name.equalsIgnoreCase(HOST))
                        value.refuseKey("may be there only once", "set");
                    List<Value> values = value.elements();
                    if (values.isEmpty() || values.size() > MAX_VALUES)
                        value.refuse("has " + values.size() + " entries", "1 to " + MAX_VALUES);
                    for (Value each : values) {
                        String text = each.as(VALUE);
                        if (text != null) add.add(new HeaderEdit(name, text));
                    }
                });
        var remove = new TreeSet<String>();
        at.list(
                "remove",
                NAME,
                0,
                MAX_NAMES,
                (name, value) -> {
                    String lower = name.toLowerCase(Locale.ROOT);
                    if (lower.equals(HOST)) value.refuse("must be there", "set");
                    else if (!remove.add(lower)) value.refuse("is removed twice", "each name once");
                    else if (setNames.contains(lower))
                        value.refuse("is set as well", "one of them");
                });
        return new HeaderEdits(set, add, List.copyOf(remove));
    }

    private static Kind.Read<String> name(String text) {
        if (!IS_TOKEN.test(text)) return Kind.bad("is no name of a field");
        boolean isOurs = OURS.contains(text.toLowerCase(Locale.ROOT));
        return isOurs
                ? Kind.bad("is about the connection, which is Bascule's own")
                : Kind.good(text);
    }
}
