package bascule;

import bascule.TextTable.Column;
import bascule.TextTable.Paint;
import bascule.cluster.ownership.Elector.Standing;
import java.nio.charset.Charset;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// What `/status` tells, as text: the twin of the page in a terminal. What is wrong comes first; a state is a word, and a mark
/// before the name of what needs a look (`!`) or is taken out of use by an operator (`-`). Names that hold control characters
/// are shown without them.
final class StatusTable {
    private static final int MOST_PROBLEMS = 8;
    private static final int MOST_CHANGES = 5;
    private static final Duration SOON = Duration.ofDays(14); // Before a certificate ends.
    private static final int SHOWN_OF_HASH = 12;
    private static final int LEAST_NAME = 20;
    private static final int LEAST_NOTE = 12;

    private final Json now;
    private final @Nullable Json before;
    private final Instant at;
    private final int width;
    private final boolean colour;
    private final StringBuilder out = new StringBuilder(4096);

    /// Something that an operator should know.
    private record Problem(Paint paint, String text) {}

    /// @param before an earlier status of the same daemon, against which rates are told; null: totals are told instead
    /// @param width of the terminal in columns; [Integer#MAX_VALUE] for no bound
    private StatusTable(Json now, @Nullable Json before, int width, boolean colour) {
        this.now = now;
        this.before = before;
        this.width = width;
        this.colour = colour;
        at = instant(now.get("at"));
    }

    /// @return lines, each ended by LF
    static String render(Json now, @Nullable Json before, int width, boolean colour) {
        var table = new StatusTable(now, before, width, colour);
        table.head();
        table.verdict();
        table.listeners();
        table.backends();
        table.servers();
        table.floatingIps();
        table.nodes();
        table.certificates();
        table.changes();
        return table.out.toString();
    }

    /// For a terminal that knows no more than ASCII.
    static String printable(String text, Charset charset) {
        return charset.newEncoder().canEncode("…–")
                ? text
                : text.replace('…', '~').replace('–', '-');
    }

    private void head() {
        Json config = now.get("config");
        flow(
                painted(Paint.BOLD, text(now.get("node"))),
                "bascule " + text(now.get("version")),
                "up " + age(now.get("uptimeSeconds").number()),
                "configuration " + shortened(text(config.get("hash"))),
                "loaded " + second(text(config.get("loadedAt"))),
                kept(now.get("systemd")));
    }

    /// What systemd has for the next start; nothing where there is none.
    private static String kept(Json systemd) {
        String reason = text(systemd.get("notStored"));
        double count = systemd.get("storedSockets").number();
        if (!reason.isEmpty())
            return (count > 0 ? "only " + count(count) : "no")
                    + (count > 1 ? " listening sockets outlive" : " listening socket outlives")
                    + " a restart: "
                    + reason;
        return count > 0 ? count(count) + " listening sockets outlive a restart" : "";
    }

    /// Puts parts on a line while there is room.
    private void flow(String... parts) {
        int used = 0;
        for (String part : parts) {
            if (part.isEmpty()) continue;
            int length = TextTable.length(part.replaceAll("\033\\[[\\d;]*m", ""));
            if (used > 0 && used + 2 + length > width) {
                out.append('\n');
                used = 0;
            }
            out.append(used == 0 ? "" : "  ").append(part);
            used += (used == 0 ? 0 : 2) + length;
        }
        out.append('\n');
    }

    private void verdict() {
        List<Problem> found = problems();
        out.append('\n');
        if (found.isEmpty()) {
            out.append(painted(Paint.GREEN, "All is well.")).append('\n');
            return;
        }
        for (Problem problem : found.subList(0, Math.min(found.size(), MOST_PROBLEMS))) {
            String mark = problem.paint == Paint.CYAN ? "- " : "! ";
            out.append(painted(problem.paint, mark + TextTable.cut(problem.text, width - 2)))
                    .append('\n');
        }
        if (found.size() > MOST_PROBLEMS)
            out.append("  and ").append(found.size() - MOST_PROBLEMS).append(" more\n");
    }

    /// The worst first.
    private List<Problem> problems() {
        var found = new ArrayList<Problem>();
        for (Json listener : now.get("listeners").list())
            if (!listener.get("state").text().equals("open"))
                found.add(
                        problem(
                                listener.get("state").text(),
                                "listener " + text(listener.get("name")),
                                ""));
        for (Json ip : now.get("floatingIps").list())
            if (ip.get("owner").text().isEmpty())
                found.add(
                        new Problem(
                                Paint.RED,
                                "floating IP " + text(ip.get("name")) + " has no owner"));
        for (Json ip : now.get("floatingIps").list()) {
            String reason = text(ip.get("reason"));
            if (!ip.get("eligible").isTrue()
                    && !reason.isEmpty()
                    && !reason.equals(Standing.WITNESS))
                found.add(
                        new Problem(
                                Paint.YELLOW,
                                "this node may not own floating IP %s: %s"
                                        .formatted(text(ip.get("name")), reason)));
        }
        var servers = new ArrayList<Problem>();
        for (Json backend : now.get("backends").list()) {
            String name = text(backend.get("name"));
            List<Json> of = backend.get("servers").list();
            if (!of.isEmpty() && of.stream().noneMatch(StatusTable::isUp))
                found.add(new Problem(Paint.RED, "backend " + name + " has no server that is up"));
            if (of.stream().anyMatch(StatusTable::isUp)
                    && of.stream().allMatch(each -> !isUp(each) || each.get("backup").isTrue())
                    && of.stream().anyMatch(each -> !each.get("backup").isTrue()))
                servers.add(
                        new Problem(
                                Paint.YELLOW, "backend " + name + " lives on its backup servers"));
            double queued = backend.get("queued").number();
            if (queued > 0)
                servers.add(
                        new Problem(
                                Paint.YELLOW,
                                "%s: %s waiting for a server".formatted(name, count(queued))));
            for (Json server : of) {
                if (isUp(server)) continue;
                String check = text(server.get("check"));
                String since = age(since(server)) + (check.isEmpty() ? "" : ": " + check);
                servers.add(
                        problem(
                                server.get("state").text(),
                                name + "/" + text(server.get("name")),
                                ", " + since));
            }
        }
        found.addAll(servers);
        Json config = now.get("config");
        String result = config.get("result").text();
        if (result.equals("refused") || result.equals("failed"))
            found.add(
                    new Problem(
                            Paint.YELLOW,
                            "the last reload "
                                    + (result.equals("refused") ? "was refused" : "failed")
                                    + ago(config.get("reloadedAt"))
                                    + "; what was loaded before stays in force"));
        for (Json node : now.get("cluster").get("nodes").list()) {
            String name = "node " + text(node.get("name"));
            if (!node.get("state").text().equals("up"))
                found.add(problem(node.get("state").text(), name, ""));
            String hash = text(node.get("configHash"));
            if (!hash.isEmpty() && !hash.equals(text(config.get("hash"))))
                found.add(
                        new Problem(
                                Paint.YELLOW,
                                name + " runs another configuration: " + shortened(hash)));
        }
        for (Json certificate : now.get("certificates").list()) {
            Duration left = Duration.between(at, instant(certificate.get("notAfter")));
            String name = "the certificate of " + names(certificate);
            if (!left.isPositive()) found.add(new Problem(Paint.RED, name + " is over"));
            else if (left.compareTo(SOON) < 0)
                found.add(
                        new Problem(
                                Paint.YELLOW, name + " ends in " + age(left.toMillis() / 1000.0)));
        }
        if (before != null) failing(before, found);
        found.sort((a, b) -> Integer.compare(rank(a.paint), rank(b.paint)));
        return found;
    }

    /// As on the page: one exchange in a hundred.
    private void failing(Json before, List<Problem> found) {
        List<Json> is = now.get("listeners").list();
        List<Json> was = before.get("listeners").list();
        double errors = perSecond(is, was, each -> each.get("errors").number(), before);
        double all = perSecond(is, was, each -> each.get("exchanges").number(), before);
        if (errors > 0 && errors >= all / 100)
            found.add(
                    new Problem(
                            Paint.YELLOW,
                            "%s of %s exchanges per second end in errors"
                                    .formatted(rate(errors), rate(all))));
    }

    private static String names(Json certificate) {
        return String.join(
                ", ", certificate.get("names").list().stream().map(StatusTable::text).toList());
    }

    private static Problem problem(String state, String who, String more) {
        return new Problem(paint(state), who + " is " + clean(state) + more);
    }

    private static int rank(Paint paint) {
        return switch (paint) {
            case RED -> 0;
            case YELLOW -> 1;
            case CYAN -> 2;
            case NONE, BOLD, GREEN -> 3;
        };
    }

    private void listeners() {
        var table =
                new TextTable(
                        Column.name("LISTENER", LEAST_NAME),
                        Column.text("STATE"),
                        Column.name("BIND", LEAST_NOTE),
                        Column.number("CONNS"),
                        Column.number(exchangesTitle()),
                        Column.number(errorsTitle()));
        List<Json> old = old("listeners");
        for (Json listener : now.get("listeners").list()) {
            String state = text(listener.get("state"));
            List<Json> same = named(old, listener);
            table.row(
                    mark(state),
                    1,
                    paint(state),
                    text(listener.get("name")),
                    state,
                    String.join(
                            ", ",
                            listener.get("bind").list().stream().map(StatusTable::text).toList()),
                    count(listener.get("connections").number()),
                    growth(List.of(listener), same, each -> each.get("exchanges").number()),
                    growth(List.of(listener), same, each -> each.get("errors").number()));
        }
        show(table);
    }

    private void backends() {
        var table =
                new TextTable(
                        Column.name("BACKEND", LEAST_NAME),
                        Column.text("UP"),
                        Column.text("BALANCE").rank(1),
                        Column.number("RUNNING"),
                        Column.number("WAITING"),
                        Column.number(exchangesTitle()),
                        Column.number(errorsTitle()));
        for (Json backend : now.get("backends").list()) {
            List<Json> servers = backend.get("servers").list();
            List<Json> same = oldServers(backend);
            long up = servers.stream().filter(StatusTable::isUp).count();
            boolean none = up == 0 && !servers.isEmpty();
            boolean all = up == servers.size();
            table.row(
                    none ? "!" : " ",
                    1,
                    none ? Paint.RED : all ? Paint.GREEN : Paint.YELLOW,
                    text(backend.get("name")),
                    up + "/" + servers.size(),
                    text(backend.get("balance")),
                    count(servers.stream().mapToDouble(each -> each.get("running").number()).sum()),
                    count(backend.get("queued").number()),
                    growth(servers, same, each -> each.get("exchanges").number()),
                    growth(servers, same, each -> each.get("errors").number()));
        }
        show(table);
    }

    private void servers() {
        var table =
                new TextTable(
                        Column.name("SERVER", LEAST_NAME),
                        Column.text("STATE"),
                        Column.number("SINCE"),
                        Column.number("RUNNING"),
                        Column.number(exchangesTitle()),
                        Column.number(errorsTitle()),
                        Column.number("P50"),
                        Column.number("P99"),
                        Column.number("CONNS").rank(2),
                        Column.text("WEIGHT").rank(3),
                        Column.name("CHECK", LEAST_NOTE).rank(1));
        for (Json backend : now.get("backends").list()) {
            List<Json> old = oldServers(backend);
            for (Json server : backend.get("servers").list()) {
                String state = text(server.get("state"));
                List<Json> same = named(old, server);
                String weight = count(server.get("weight").number());
                table.row(
                        mark(state),
                        1,
                        paint(state),
                        text(backend.get("name")) + "/" + text(server.get("name")),
                        state,
                        age(since(server)),
                        count(server.get("running").number()),
                        growth(List.of(server), same, each -> each.get("exchanges").number()),
                        growth(List.of(server), same, each -> each.get("errors").number()),
                        seconds(server.get("p50Seconds").number()),
                        seconds(server.get("p99Seconds").number()),
                        count(server.get("connections").number()),
                        server.get("backup").isTrue() ? weight + " backup" : weight,
                        text(server.get("check")));
            }
        }
        show(table);
    }

    private void floatingIps() {
        var table =
                new TextTable(
                        Column.name("FLOATING IP", LEAST_NAME),
                        Column.text("ADDRESS"),
                        Column.text("OWNER"),
                        Column.number("EPOCH"),
                        Column.name("ELIGIBLE", LEAST_NOTE));
        for (Json ip : now.get("floatingIps").list()) {
            String owner = text(ip.get("owner"));
            String reason = text(ip.get("reason"));
            table.row(
                    owner.isEmpty() ? "!" : " ",
                    2,
                    owner.isEmpty() ? Paint.RED : Paint.GREEN,
                    text(ip.get("name")),
                    text(ip.get("address")),
                    owner.isEmpty() ? "none" : owner,
                    count(ip.get("epoch").number()),
                    ip.get("eligible").isTrue()
                            ? "yes"
                            : reason.isEmpty() ? "no" : "no: " + reason);
        }
        show(table);
    }

    /// A node alone is told of in the head.
    private void nodes() {
        List<Json> nodes = now.get("cluster").get("nodes").list();
        if (nodes.size() < 2) return;
        var table =
                new TextTable(
                        Column.name("NODE", LEAST_NAME),
                        Column.text("STATE"),
                        Column.text("ADDRESS"),
                        Column.text("CONFIGURATION"));
        for (Json node : nodes) {
            String state = text(node.get("state"));
            String hash = text(node.get("configHash"));
            table.row(
                    mark(state),
                    1,
                    paint(state),
                    text(node.get("name")),
                    state,
                    text(node.get("address")),
                    hash.isEmpty() ? "not known" : shortened(hash));
        }
        show(table);
    }

    private void certificates() {
        var table =
                new TextTable(
                        Column.name("CERTIFICATE", LEAST_NAME),
                        Column.text("ENDS"),
                        Column.text("KEY"));
        for (Json certificate : now.get("certificates").list()) {
            String end = text(certificate.get("notAfter"));
            boolean over = !instant(certificate.get("notAfter")).isAfter(at);
            table.row(
                    over ? "!" : " ",
                    1,
                    over ? Paint.RED : Paint.NONE,
                    names(certificate),
                    second(end),
                    text(certificate.get("keyType")));
        }
        show(table);
    }

    private void changes() {
        var table =
                new TextTable(
                        Column.text("CHANGED"),
                        Column.name("EVENT", LEAST_NAME),
                        Column.name("", LEAST_NOTE));
        for (Json change : now.get("changes").list().stream().limit(MOST_CHANGES).toList())
            table.row(
                    " ",
                    -1,
                    Paint.NONE,
                    second(text(change.get("at"))),
                    text(change.get("event")),
                    text(change.get("text")));
        show(table);
    }

    private void show(TextTable table) {
        if (table.isEmpty()) return;
        out.append('\n');
        table.to(out, width, colour);
    }

    private String painted(Paint paint, String text) {
        return colour ? paint.on(text) : text;
    }

    private static boolean isUp(Json server) {
        return server.get("state").text().equals("up");
    }

    private static String mark(String state) {
        return switch (paint(state)) {
            case RED, YELLOW -> "!";
            case CYAN -> "-";
            case NONE, BOLD, GREEN -> " ";
        };
    }

    private static Paint paint(String state) {
        return switch (state) {
            case "up", "open" -> Paint.GREEN;
            case "down", "closed" -> Paint.RED;
            case "draining", "disabled" -> Paint.CYAN;
            default -> Paint.YELLOW;
        };
    }

    private List<Json> old(String key) {
        return before == null ? List.of() : before.get(key).list();
    }

    private List<Json> oldServers(Json backend) {
        return named(old("backends"), backend).stream()
                .flatMap(same -> same.get("servers").list().stream())
                .toList();
    }

    private static List<Json> named(List<Json> all, Json like) {
        String name = like.get("name").text();
        return all.stream().filter(each -> each.get("name").text().equals(name)).toList();
    }

    private String exchangesTitle() {
        return before == null ? "EXCHANGES" : "EXCH/S";
    }

    private String errorsTitle() {
        return before == null ? "ERRORS" : "ERR/S";
    }

    /// A total, or by how much it grew in a second.
    private String growth(List<Json> is, List<Json> was, ToDoubleFunction<Json> total) {
        if (before == null) return count(sum(is, total));
        double perSecond = perSecond(is, was, total, before);
        return Double.isNaN(perSecond) ? "–" : rate(perSecond);
    }

    /// @return NaN where there is one that is new, or counts anew
    private double perSecond(
            List<Json> is, List<Json> was, ToDoubleFunction<Json> total, Json before) {
        double seconds = Duration.between(instant(before.get("at")), at).toNanos() / 1e9;
        double grown = sum(is, total) - sum(was, total);
        boolean known = is.size() == was.size() && seconds > 0 && grown >= 0;
        return known ? grown / seconds : Double.NaN;
    }

    private static double sum(List<Json> all, ToDoubleFunction<Json> number) {
        return all.stream().mapToDouble(number).sum();
    }

    private double since(Json server) {
        return Duration.between(instant(server.get("since")), at).toMillis() / 1000.0;
    }

    private String ago(Json when) {
        if (when.text().isEmpty()) return "";
        return " " + age(Duration.between(instant(when), at).toMillis() / 1000.0) + " ago";
    }

    private static Instant instant(Json text) {
        try {
            return Instant.parse(text.text());
        } catch (DateTimeParseException _) {
            return Instant.EPOCH;
        }
    }

    /// A time of ISO 8601 without what is below a second.
    private static String second(String time) {
        return time.replaceFirst("\\.\\d+", "");
    }

    /// Enough to tell two apart; the whole one is in the JSON.
    private static String shortened(String hash) {
        return hash.substring(0, Math.min(hash.length(), SHOWN_OF_HASH));
    }

    private static String text(Json value) {
        return clean(value.text());
    }

    /// Without what a terminal obeys, or reorders text by.
    static String clean(String text) {
        var clean = new StringBuilder(text.length());
        text.codePoints()
                .map(
                        c ->
                                switch (Character.getType(c)) {
                                    case Character.CONTROL,
                                            Character.FORMAT,
                                            Character.LINE_SEPARATOR,
                                            Character.PARAGRAPH_SEPARATOR,
                                            Character.SURROGATE ->
                                            '?';
                                    default -> c;
                                })
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }

    /// `12s`, `5m12s`, `3h12m`, `2d03h`, `400d`.
    static String age(double value) {
        if (Double.isNaN(value)) return "–";
        long s = Math.max(0, (long) value);
        long m = s / 60;
        long h = m / 60;
        long d = h / 24;
        if (m == 0) return s + "s";
        if (h == 0) return m + "m" + two(s % 60) + "s";
        if (d == 0) return h + "h" + two(m % 60) + "m";
        return d < 100 ? d + "d" + two(h % 24) + "h" : d + "d";
    }

    private static String two(long value) {
        return value < 10 ? "0" + value : Long.toString(value);
    }

    /// `0.42ms`, `2.1ms`, `250ms`, `1.2s`, `12s`.
    static String seconds(double value) {
        if (Double.isNaN(value)) return "–";
        if (value < 0.001) return String.format(Locale.ROOT, "%.2fms", value * 1000);
        if (value < 0.00995) return String.format(Locale.ROOT, "%.1fms", value * 1000);
        if (value < 0.9995) return Math.round(value * 1000) + "ms";
        return value < 9.95 ? String.format(Locale.ROOT, "%.1fs", value) : Math.round(value) + "s";
    }

    static String count(double value) {
        if (Double.isNaN(value)) return "–";
        if (value < 1e7) return Long.toString(Math.round(value));
        return value < 1e10 ? Math.round(value / 1e6) + "M" : Math.round(value / 1e9) + "G";
    }

    static String rate(double value) {
        if (value == 0) return "0";
        if (value < 0.1) return "<0.1";
        return value < 9.95 ? String.format(Locale.ROOT, "%.1f", value) : count(value);
    }
}
