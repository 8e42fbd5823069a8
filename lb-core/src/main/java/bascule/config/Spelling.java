package bascule.config;

import java.util.Collection;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Guesses which word was meant.
public final class Spelling {
    private Spelling() {}

    /// `, did you mean x?` for the nearest word, or nothing if none is near.
    public static String suggest(String written, Collection<String> words) {
        String near = near(written, words);
        return near == null ? "" : ", did you mean " + near + "?";
    }

    private static @Nullable String near(String written, Collection<String> words) {
        if (written.chars().noneMatch(Character::isLetter))
            return null; // Of numbers, none is near another.
        String plain = plain(written);
        String best = null;
        int least = Integer.MAX_VALUE;
        for (String word : words) {
            if (word.equals(written)) continue;
            String other = plain(word);
            if (plain.length() < 2) continue; // Any letter is one slip away from any other.
            // One slip in four letters, two in five: more than that is another word.
            int allowed = Math.max(1, (Math.min(plain.length(), other.length()) + 1) / 3);
            int distance = distance(plain, other);
            if (distance <= allowed && distance < least) {
                best = word;
                least = distance;
            }
        }
        return best;
    }

    /// `requestLine` and `request_line` are spellings of `request-line`.
    private static String plain(String word) {
        String kebab =
                word.length() > 64
                        ? word.substring(0, 64)
                        : word; // Distance costs the product of both lengths.
        return kebab.replaceAll("(?<=[a-z])(?=[A-Z])", "-")
                .replace('_', '-')
                .toLowerCase(Locale.ROOT);
    }

    /// Letters added, dropped, replaced, or swapped with their neighbour (optimal string alignment).
    private static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) d[i][0] = i;
        for (int j = 0; j <= b.length(); j++) d[0][j] = j;
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int replaced = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(replaced, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
                boolean swapped =
                        i > 1
                                && j > 1
                                && a.charAt(i - 1) == b.charAt(j - 2)
                                && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
        return d[a.length()][b.length()];
    }
}
