package bascule;

import java.util.ArrayList;
import java.util.List;

/// Rows of text in columns that stand below each other, as wide as what they hold, and all together no wider than the terminal:
/// columns that one can do without go first, then names lose their middle.
final class TextTable {
    private static final String GAP = "  ";
    private static final String CUT = "…";

    private final List<Column> columns;
    private final List<Row> rows = new ArrayList<>();

    /// @param right do its cells stand at the right edge, as numbers do?
    /// @param least how narrow it may become; [Integer#MAX_VALUE] for as wide as its widest cell
    /// @param rank 0 for a column that stays; of the others the one of the highest rank goes first
    record Column(String title, boolean right, int least, int rank) {
        static Column text(String title) {
            return new Column(title, false, Integer.MAX_VALUE, 0);
        }

        static Column number(String title) {
            return new Column(title, true, Integer.MAX_VALUE, 0);
        }

        /// A name, which may be cut.
        static Column name(String title, int least) {
            return new Column(title, false, least, 0);
        }

        Column rank(int rank) {
            return new Column(title, right, least, rank);
        }
    }

    /// @param mark one character before the first cell
    /// @param painted the cell that is painted
    private record Row(String mark, List<String> cells, int painted, Paint paint) {}

    /// How a terminal is told of colours (ECMA-48 §8.3.117), always beside a word that says the same.
    enum Paint {
        NONE(""),
        BOLD("1"),
        GREEN("32"),
        YELLOW("1;33"),
        RED("1;31"),
        CYAN("36");

        private final String code;

        Paint(String code) {
            this.code = code;
        }

        String on(String text) {
            return this == NONE || text.isEmpty() ? text : "\033[" + code + "m" + text + "\033[0m";
        }
    }

    TextTable(Column... columns) {
        this.columns = List.of(columns);
    }

    void row(String mark, int painted, Paint paint, String... cells) {
        rows.add(new Row(mark, List.of(cells), painted, paint));
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    /// Appends a line for the titles and one for each row.
    void to(StringBuilder out, int width, boolean colour) {
        int[] widths = widths();
        boolean[] gone = new boolean[columns.size()];
        while (least(widths, gone) > width) {
            int drop = highestRank(gone);
            if (drop < 0) break;
            gone[drop] = true;
        }
        narrow(widths, gone, width);
        List<String> titles = columns.stream().map(Column::title).toList();
        line(
                out,
                new Row(" ", titles, -1, Paint.NONE),
                widths,
                gone,
                colour ? Paint.BOLD : Paint.NONE);
        for (Row row : rows)
            line(
                    out,
                    colour ? row : new Row(row.mark, row.cells, -1, Paint.NONE),
                    widths,
                    gone,
                    Paint.NONE);
    }

    private int[] widths() {
        int[] widths = new int[columns.size()];
        for (int i = 0; i < widths.length; i++) {
            widths[i] = length(columns.get(i).title);
            for (Row row : rows) widths[i] = Math.max(widths[i], length(row.cells.get(i)));
        }
        return widths;
    }

    /// The whole width if every name were cut as far as it may be.
    private int least(int[] widths, boolean[] gone) {
        int sum = 0;
        for (int i = 0; i < widths.length; i++)
            if (!gone[i]) sum += GAP.length() + Math.min(widths[i], columns.get(i).least);
        return sum;
    }

    private int highestRank(boolean[] gone) {
        int highest = -1;
        for (int i = 0; i < gone.length; i++) {
            boolean isHigher = highest < 0 || columns.get(i).rank > columns.get(highest).rank;
            if (!gone[i] && columns.get(i).rank > 0 && isHigher) highest = i;
        }
        return highest;
    }

    /// Takes from the widest of those that may be cut, until it fits.
    private void narrow(int[] widths, boolean[] gone, int width) {
        while (true) {
            long sum = 0;
            int widest = -1;
            for (int i = 0; i < widths.length; i++) {
                if (gone[i]) continue;
                sum += GAP.length() + widths[i];
                boolean canShrink = widths[i] > columns.get(i).least;
                if (canShrink && (widest < 0 || widths[i] > widths[widest])) widest = i;
            }
            if (sum <= width || widest < 0) return;
            widths[widest]--;
        }
    }

    private void line(StringBuilder out, Row row, int[] widths, boolean[] gone, Paint whole) {
        var line = new StringBuilder(row.mark);
        for (int i = 0; i < widths.length; i++) {
            if (gone[i]) continue;
            line.append(i == 0 ? " " : GAP);
            String text = cut(row.cells.get(i), widths[i]);
            String blanks = " ".repeat(widths[i] - length(text));
            String painted = i == row.painted ? row.paint.on(text) : text;
            line.append(columns.get(i).right ? blanks + painted : painted + blanks);
        }
        out.append(whole.on(line.toString().stripTrailing())).append('\n');
    }

    /// A text without its middle: names differ at their ends, an address by its port, a path by its last part.
    static String cut(String text, int most) {
        int length = length(text);
        if (length <= most) return text;
        if (most <= 1) return most <= 0 ? "" : CUT;
        int tail = (most - 1) / 2;
        int head = most - 1 - tail;
        return text.substring(0, text.offsetByCodePoints(0, head))
                + CUT
                + text.substring(text.offsetByCodePoints(text.length(), -tail));
    }

    /// In columns of a terminal, for scripts that give each letter one.
    static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
