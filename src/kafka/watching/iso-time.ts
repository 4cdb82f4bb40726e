// A moment as the lines of a log have it: `2026-11-21T12:30:00.123Z`. Computed, because a clock belongs to the Runtime.

const dayMs = 86_400_000;

/** The moment in UTC. Times that no calendar of four digits has are told as they are. */
export function isoTime(ms: number): string {
  if (!(ms >= 0 && ms < 253_402_300_800_000)) return String(ms);
  const days = Math.floor(ms / dayMs);
  const inDay = Math.floor(ms - days * dayMs);
  const { year, month, day } = civil(days);
  const [hour, minute] = [Math.floor(inDay / 3_600_000), Math.floor(inDay / 60_000) % 60];
  const [second, milli] = [Math.floor(inDay / 1_000) % 60, inDay % 1_000];
  const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
  return `${date}T${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}.${padded(milli, 3)}Z`;
}

/**
 * The date of a day, counted from 1970-01-01. A year is taken to begin in March, so that the day that only some years
 * have is the last one of them: 400 such years have 146,097 days, and the months before the n-th of a year have
 * (153 n + 2) / 5.
 */
function civil(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468; // Days since 0000-03-01.
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapless = dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524);
  const yearOfEra = Math.floor((leapless - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
