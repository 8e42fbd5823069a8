package bascule.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.observe.Events;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// What the cookies of sticky backends are signed with: 32 random bytes, kept in the state folder, so that clients stay where they
/// are over a restart.
public final class StickyKey {
    static final String FILE = "sticky.key";

    private static final int BYTES = 32;

    /// Of a signature; half of SHA-256 is more than anyone can guess.
    private static final int TOKEN_BYTES = 16;

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(
                    EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));

    private final byte[] key;

    StickyKey(byte[] key) {
        this.key = key.clone();
    }

    /// A key that others have as well, as the nodes of a cluster: a client then stays where it is whichever of them it comes to.
    ///
    /// @param key 32 bytes
    public static StickyKey of(byte[] key) {
        if (key.length != BYTES) throw new IllegalArgumentException(key.length + " bytes");
        return new StickyKey(key);
    }

    /// How many bytes a key has.
    public static int bytes() {
        return BYTES;
    }

    /// The key of this folder, made if there is none. Where it can be neither read nor made, one for this run, with a warning.
    ///
    /// @param folder null = there is none
    public static StickyKey load(@Nullable Path folder) {
        if (folder == null) {
            Events.warn("sticky-key-not-kept", "cause", "no state folder");
            return new StickyKey(random());
        }
        Path file = folder.resolve(FILE);
        try {
            byte[] kept = read(file);
            if (kept.length == BYTES) return new StickyKey(kept);
            Events.warn(
                    "sticky-key-replaced", "file", file, "bytes", kept.length, "expected", BYTES);
        } catch (NoSuchFileException _) {
            // The first time.
        } catch (IOException failure) {
            Events.warn("sticky-key-not-kept", "file", file, "cause", failure);
            return new StickyKey(random());
        }
        byte[] made = random();
        try {
            write(made, folder, file);
        } catch (IOException failure) {
            Events.warn("sticky-key-not-kept", "file", file, "cause", failure);
        }
        return new StickyKey(made);
    }

    private static byte[] read(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            return in.readNBytes(BYTES + 1);
        }
    }

    private static byte[] random() {
        byte[] key = new byte[BYTES];
        new SecureRandom().nextBytes(key);
        return key;
    }

    /// Whole or not at all, even after a power cut.
    private static void write(byte[] key, Path folder, Path file) throws IOException {
        Files.createDirectories(folder);
        Path fresh = folder.resolve(FILE + ".new");
        Files.deleteIfExists(fresh);
        Files.createFile(fresh, OWNER_ONLY);
        try (FileChannel out = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(key);
            while (bytes.hasRemaining()) out.write(bytes);
            out.force(true);
        }
        Files.move(
                fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel names = FileChannel.open(folder)) {
            names.force(true);
        }
    }

    /// What stands for a server in a cookie: 22 characters of base64url (RFC 4648 §5).
    String token(String backend, String server) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            byte[] signature = mac.doFinal(("sticky\0" + backend + "\0" + server).getBytes(UTF_8));
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(Arrays.copyOf(signature, TOKEN_BYTES));
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every Java has HMAC-SHA-256", e);
        }
    }
}
