package bascule.config;

import bascule.config.Outline.Entry;
import bascule.config.Outline.Shape;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Refuses what HOCON merges without a word: a key given twice in one file, and a named block in two drop-ins.
record Duplicates(Problems problems) {
    private static final List<String> NAMED = List.of("listeners.", "backends.", "floating-ips.");

    /// @param resolved null if substitutions failed
    void refuseInFiles(List<Entry> entries, @Nullable ConfigObject resolved) {
        var seen = new HashMap<String, Entry>();
        var refused = new ArrayList<String>();
        for (Entry entry : entries) {
            Entry first = seen.putIfAbsent(entry.place().file() + '\n' + entry.path(), entry);
            if (first == null || !isTwice(first, entry, resolved)) continue;
            // What is within is given twice too, and needs no words of its own.
            if (refused.stream().anyMatch(outer -> entry.path().startsWith(outer))) continue;
            refused.add(entry.path() + ".");
            refused.add(entry.path() + "[");
            String earlier = "given twice, first on line " + first.place().line();
            problems.add(entry.place(), entry.path(), earlier + " (expected: once)");
        }
    }

    private static boolean isTwice(Entry first, Entry later, @Nullable ConfigObject resolved) {
        return switch (later.shape()) {
            case OPTIONAL, APPEND -> false;
            case VALUE -> true;
            case BLOCK -> first.shape() == Shape.VALUE;
            case REFERENCE -> first.shape() != Shape.BLOCK && !isBlock(later.path(), resolved);
        };
    }

    private static boolean isBlock(String path, @Nullable ConfigObject resolved) {
        if (path.indexOf('[') >= 0) return false;
        ConfigValue value = resolved;
        for (String key : ConfigUtil.splitPath(path)) {
            if (!(value instanceof ConfigObject block)) return false;
            value = block.get(key);
        }
        return value instanceof ConfigObject;
    }

    /// @param files the keys of each drop-in, with all that it includes, in the order of their names
    void refuseBetween(List<List<Entry>> files) {
        var seen = new HashMap<String, Place>();
        for (List<Entry> file : files) {
            namedBlocks(file)
                    .forEach(
                            (path, entries) -> {
                                Place place = entries.getFirst().place();
                                Place first = seen.putIfAbsent(path, place);
                                if (first == null || isFromEnvironment(entries)) return;
                                String expected = " (expected: one file for a named block)";
                                problems.add(place, path, "is also in " + first + expected);
                            });
        }
    }

    private static Map<String, List<Entry>> namedBlocks(List<Entry> entries) {
        var blocks = new LinkedHashMap<String, List<Entry>>();
        for (Entry entry : entries) {
            String path = entry.path();
            if (NAMED.stream().noneMatch(path::startsWith)) continue;
            blocks.computeIfAbsent(Outline.outermost(path, 2), _ -> new ArrayList<>()).add(entry);
        }
        return blocks;
    }

    private static boolean isFromEnvironment(List<Entry> entries) {
        return entries.stream()
                .map(Entry::shape)
                .allMatch(shape -> shape == Shape.OPTIONAL || shape == Shape.BLOCK);
    }
}
