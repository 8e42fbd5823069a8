package bascule.tls;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// A folder of certificates. `*.pem` and `*.crt` hold a chain, the server's certificate first; its key stands in the same file or in
/// `NAME.key` beside it. Keys are PKCS#8, PKCS#1 or SEC1, unencrypted. `default.pem` (or `.crt`) is the default, else the first file by
/// name. Folders inside, hidden files (which Kubernetes and editors leave) and other names are passed over.
public final class CertificateFolder {
    /// Certificate files in one folder.
    static final int FILES_LIMIT = 4096;

    private static final String A_FOLDER = "a folder of *.pem files, each with a chain and its key";

    /// What came of reading.
    public sealed interface Read {
        /// All was good.
        record Loaded(CertificateSet set) implements Read {}

        /// @param faults one or more, in the order of their files' names; each file is looked at, whatever is wrong with others
        record Faulty(List<CertificateFault> faults) implements Read {}
    }

    private CertificateFolder() {}

    /// Reads all files, which takes about a millisecond each. Blocks; throws nothing.
    ///
    /// @param now the time at which certificates have to be valid
    public static Read read(Path folder, Instant now) {
        var files = new TreeSet<Path>();
        var keys = new TreeSet<Path>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (name.startsWith(".") || Files.isDirectory(entry)) continue;
                if (name.endsWith(".pem") || name.endsWith(".crt")) files.add(entry);
                else if (name.endsWith(".key")) keys.add(entry);
                if (files.size() > FILES_LIMIT || keys.size() > FILES_LIMIT)
                    return faulty(folder, "has more than " + FILES_LIMIT + " files", "fewer");
            }
        } catch (NoSuchFileException e) {
            return faulty(folder, "does not exist", A_FOLDER);
        } catch (NotDirectoryException e) {
            return faulty(folder, "is no folder", A_FOLDER);
        } catch (AccessDeniedException e) {
            return faulty(folder, "may not be read", "a folder that the daemon's user may read");
        } catch (IOException | DirectoryIteratorException e) {
            return faulty(folder, "cannot be read: " + Pem.reason(e), A_FOLDER);
        }
        if (files.isEmpty()) return faulty(folder, "has no certificate", A_FOLDER);

        List<Certificate> certificates = new ArrayList<>();
        List<CertificateFault> faults = new ArrayList<>();
        for (Path file : files) {
            Path key = keyFileOf(file, files, keys);
            Certificate certificate = CertificateReader.read(file, key, now, faults);
            if (certificate != null) certificates.add(certificate);
            if (key != null) keys.remove(key);
        }
        for (Path key : keys)
            faults.add(
                    new CertificateFault(
                            key,
                            "has no certificate beside it",
                            named(key, ".pem").getFileName()
                                    + " or "
                                    + named(key, ".crt").getFileName()));
        if (!faults.isEmpty()) return new Read.Faulty(List.copyOf(faults));

        Certificate first = certificates.getFirst();
        for (Certificate certificate : certificates.reversed()) {
            String name = String.valueOf(certificate.file().getFileName());
            if (name.equals("default.pem") || name.equals("default.crt")) first = certificate;
        }
        return new Read.Loaded(new CertificateSet(certificates, first));
    }

    /// With both `a.pem` and `a.crt` there, `a.key` belongs to `a.pem`.
    private static @Nullable Path keyFileOf(Path file, Set<Path> files, Set<Path> keys) {
        Path key = named(file, ".key");
        if (!keys.contains(key)) return null;
        Path pem = named(file, ".pem");
        return file.equals(pem) || !files.contains(pem) ? key : null;
    }

    private static Path named(Path file, String ending) {
        String name = String.valueOf(file.getFileName());
        return file.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ending);
    }

    private static Read faulty(Path folder, String what, String expected) {
        return new Read.Faulty(List.of(new CertificateFault(folder, what, expected)));
    }
}
