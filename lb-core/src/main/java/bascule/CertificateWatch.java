package bascule;

import bascule.observe.Events;
import bascule.tls.CertificateFault;
import bascule.tls.CertificateFolder;
import bascule.tls.CertificateSet;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Looks at the folders of certificates and reads those that have changed, on a thread of its own, so that a disk that hangs holds up
/// nothing. What is half written shows as a fault that is gone at the next look, so a fault is told only if it stays.
final class CertificateWatch implements AutoCloseable {
    private static final long LOOK_EVERY_MILLIS = 250;

    /// Files of a folder whose changes are seen; what lies beyond is read with the others, when one of these changes.
    private static final int MOST_FILES = 10_000;

    private final Supplier<Set<Path>> folders;
    private final BiConsumer<Path, CertificateSet> changed;
    private final BiConsumer<Path, List<CertificateFault>> refused;
    private final ScheduledExecutorService thread;
    private final Map<Path, Known> known = new HashMap<>();

    private record Stamp(FileTime modified, long sizeBytes, @Nullable Object key) {}

    /// @param files as they were when the folder was read
    /// @param faulty was something wrong with them?
    /// @param told and was that said?
    private record Known(Map<Path, Stamp> files, boolean faulty, boolean told) {}

    /// @param folders asked at each look
    /// @param changed a folder was read that is another one than at the last look; on the watch's thread
    /// @param refused why a folder cannot be used; once for each state of it
    CertificateWatch(
            Supplier<Set<Path>> folders,
            BiConsumer<Path, CertificateSet> changed,
            BiConsumer<Path, List<CertificateFault>> refused) {
        this.folders = folders;
        this.changed = changed;
        this.refused = refused;
        thread =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().name("certificates").daemon().factory());
        var _ =
                thread.scheduleWithFixedDelay(
                        this::look, LOOK_EVERY_MILLIS, LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            Set<Path> wanted = new HashSet<>(folders.get());
            known.keySet().retainAll(wanted);
            for (Path folder : wanted) look(folder);
        } catch (RuntimeException | Error bug) { // Else it would never look again.
            Events.bug("certificates-not-watched", bug);
        }
    }

    /// The first look at a folder reads it, too: it may have changed since the configuration was read.
    private void look(Path folder) {
        Map<Path, Stamp> files = stamps(folder);
        Known last = known.get(folder);
        boolean same = last != null && files.equals(last.files);
        if (last != null && same && (!last.faulty || last.told)) return;
        switch (CertificateFolder.read(folder, Instant.now())) {
            case CertificateFolder.Read.Loaded(CertificateSet set) -> {
                known.put(folder, new Known(files, false, false));
                changed.accept(folder, set);
            }
            case CertificateFolder.Read.Faulty(List<CertificateFault> faults) -> {
                known.put(folder, new Known(files, true, same));
                if (same) refused.accept(folder, faults);
            }
        }
    }

    /// Of the folder itself and what lies in it, links followed: Kubernetes swaps a link.
    private static Map<Path, Stamp> stamps(Path folder) {
        var stamps = new TreeMap<Path, Stamp>();
        stamp(folder, stamps);
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                if (stamps.size() > MOST_FILES) break;
                stamp(entry, stamps);
            }
        } catch (IOException | DirectoryIteratorException _) {
            stamps.clear(); // To read it will say why.
        }
        return stamps;
    }

    private static void stamp(Path file, Map<Path, Stamp> stamps) {
        try {
            var seen = Files.readAttributes(file, BasicFileAttributes.class);
            stamps.put(file, new Stamp(seen.lastModifiedTime(), seen.size(), seen.fileKey()));
        } catch (IOException _) {
            stamps.put(file, new Stamp(FileTime.fromMillis(0), -1, null));
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
