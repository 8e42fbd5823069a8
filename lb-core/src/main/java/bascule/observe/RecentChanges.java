package bascule.observe;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;

/// The latest [#MOST] changes, for "what changed lately". From any thread.
final class RecentChanges {
    static final int MOST = 100;

    /// What is kept of a text, in characters.
    static final int TEXT_LIMIT = 1024;

    private final ArrayDeque<Change> changes = new ArrayDeque<>(MOST); // The newest first.

    synchronized void add(String name, String text) {
        if (changes.size() == MOST) changes.removeLast();
        String kept = text.length() <= TEXT_LIMIT ? text : text.substring(0, TEXT_LIMIT) + "…";
        changes.addFirst(new Change(Instant.now(), name, kept));
    }

    /// The newest first.
    synchronized List<Change> list() {
        return List.copyOf(changes);
    }
}
