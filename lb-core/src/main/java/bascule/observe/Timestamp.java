package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;

/// Writes times as `2026-11-20T08:17:49.123Z`, or as `20/Nov/2026:08:17:49 +0000`. Keeps the text of the last second; computing another one is cheap too, and
/// allocates nothing. For one thread.
final class Timestamp {
    static final int LENGTH = 24;
    static final int COMMON_LENGTH = 26;
    private static final int SECOND_LENGTH = 20;
    private static final long LAST_SECOND = 253_402_300_799L; // The year 9999 ends.

    private static final byte[] MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec".getBytes(US_ASCII);
    private static final byte[] ZONE = " +0000".getBytes(US_ASCII);

    private final byte[] text = "1970-01-01T00:00:00.".getBytes(US_ASCII);
    private long second;

    /// @param wallMillis since 1970; what cannot be written with a year of four digits is written as the nearest that can
    void write(long wallMillis, byte[] to, int at) {
        second(wallMillis);
        System.arraycopy(text, 0, to, at, SECOND_LENGTH);
        int millis = Math.floorMod(wallMillis, 1000);
        to[at + 20] = (byte) ('0' + millis / 100);
        twoDigits(millis % 100, to, at + 21);
        to[at + 23] = 'Z';
    }

    /// As in the NCSA server's log: its second alone.
    void writeCommon(long wallMillis, byte[] to, int at) {
        second(wallMillis);
        int month = 10 * (text[5] - '0') + text[6] - '0';
        to[at] = text[8];
        to[at + 1] = text[9];
        to[at + 2] = '/';
        System.arraycopy(MONTHS, 3 * month - 3, to, at + 3, 3);
        to[at + 6] = '/';
        System.arraycopy(text, 0, to, at + 7, 4);
        to[at + 11] = ':';
        System.arraycopy(text, 11, to, at + 12, 8);
        System.arraycopy(ZONE, 0, to, at + 20, ZONE.length);
    }

    private void second(long wallMillis) {
        long now = Math.clamp(Math.floorDiv(wallMillis, 1000), 0, LAST_SECOND);
        if (now != second) format(now);
    }

    private void format(long now) {
        second = now;
        int secondOfDay = (int) (now % 86_400);
        // Days to a civil date: years that begin in March put the leap day last, in eras of 400
        // years, 146,097 days.
        int day = (int) (now / 86_400) + 719_468;
        int era = day / 146_097;
        int dayOfEra = day % 146_097;
        int yearOfEra =
                (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int monthFromMarch = (5 * dayOfYear + 2) / 153;
        int month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        int year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
        twoDigits(year / 100, text, 0);
        twoDigits(year % 100, text, 2);
        twoDigits(month, text, 5);
        twoDigits(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, text, 8);
        twoDigits(secondOfDay / 3600, text, 11);
        twoDigits(secondOfDay / 60 % 60, text, 14);
        twoDigits(secondOfDay % 60, text, 17);
    }

    private static void twoDigits(int value, byte[] to, int at) {
        to[at] = (byte) ('0' + value / 10);
        to[at + 1] = (byte) ('0' + value % 10);
    }
}
