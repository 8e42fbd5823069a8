package bascule.cluster.port;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// What two boots of two nodes share: a key for each direction, under each secret. Not thread-safe.
final class Session {
    static final int NONCE_BYTES = 16;
    static final int TAG_BYTES = 16;
    private static final int KEY_BYTES = 32;
    private static final int IV_BYTES = 12;

    /// One direction, under one secret.
    ///
    /// @param id of it, on the wire: what finds it, instead of trying each
    private record Way(long id, SecretKeySpec key) {}

    /// Who sends to whom.
    record Names(String cluster, String from, String to) {}

    private final byte[] theirNonce;
    private final Way out;
    private final List<Way> in = new ArrayList<>();
    private final Cipher cipher;
    private final byte[] iv = new byte[IV_BYTES];

    /// @param secrets the first to speak with, each to listen with
    Session(
            List<byte[]> secrets,
            String cluster,
            String me,
            byte[] myNonce,
            String them,
            byte[] theirNonce) {
        this.theirNonce = theirNonce.clone();
        this.out = way(secrets.getFirst(), new Names(cluster, me, them), myNonce, theirNonce);
        for (byte[] each : secrets)
            in.add(way(each, new Names(cluster, them, me), theirNonce, myNonce));
        try {
            this.cipher = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    private static Way way(byte[] secret, Names names, byte[] fromNonce, byte[] toNonce) {
        var info = new ByteArrayOutputStream();
        for (byte[] each :
                List.of(
                        names.cluster.getBytes(UTF_8),
                        names.from.getBytes(UTF_8),
                        names.to.getBytes(UTF_8),
                        fromNonce,
                        toNonce)) {
            info.writeBytes(ByteBuffer.allocate(4).putInt(each.length).array());
            info.writeBytes(each);
        }
        byte[] derived = derive(secret, "session", info.toByteArray(), KEY_BYTES + 8);
        long id = ByteBuffer.wrap(derived).getLong(KEY_BYTES);
        return new Way(id, new SecretKeySpec(derived, 0, KEY_BYTES, "AES"));
    }

    /// HKDF-SHA256 (RFC 5869).
    static byte[] derive(byte[] secret, String purpose, byte[] info, int bytes) {
        try {
            return KDF.getInstance("HKDF-SHA256")
                    .deriveData(
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(secret)
                                    .addSalt(("bascule owner port 1 " + purpose).getBytes(US_ASCII))
                                    .thenExpand(info, bytes));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK from 25 on has it.
        }
    }

    byte[] theirNonce() {
        return theirNonce;
    }

    long sendId() {
        return out.id;
    }

    /// @return for [#open]; -1 if this is not the id of a way to us
    int wayOf(long id) {
        for (int i = 0; i < in.size(); i++) if (in.get(i).id == id) return i;
        return -1;
    }

    /// @param counter never given twice
    /// @param head of the datagram, covered by the seal
    /// @return how many bytes were put at `to`
    int seal(long counter, byte[] datagram, int head, byte[] plain, int length) {
        try {
            begin(Cipher.ENCRYPT_MODE, out.key, counter);
            cipher.updateAAD(datagram, 0, head);
            return cipher.doFinal(plain, 0, length, datagram, head);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Nothing from outside goes in here.
        }
    }

    /// @return how many bytes were put at `plain`; -1 if it is forged
    int open(int way, long counter, byte[] datagram, int head, int length, byte[] plain) {
        try {
            begin(Cipher.DECRYPT_MODE, in.get(way).key, counter);
            cipher.updateAAD(datagram, 0, head);
            return cipher.doFinal(datagram, head, length - head, plain, 0);
        } catch (AEADBadTagException _) {
            return -1;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private void begin(int mode, SecretKeySpec key, long counter) throws GeneralSecurityException {
        ByteBuffer.wrap(iv).putLong(IV_BYTES - 8, counter);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * 8, iv));
    }
}
