// Days of the Gregorian calendar as numbers of days since 1970-01-01, without a zone.

/** weekdays are the words for days of the week, from Sunday. */
export const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** weekdayOf returns the index in weekdays; 1970-01-01 was a Thursday. It is for dates after that. */
export const weekdayOf = (day: number): number => (day + 4) % 7;

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

// Years begin in March here, so that a leap day is the last of its year.
function dayOf(year: number, month: number, day: number): number {
  const [y, m] = month < 3 ? [year - 1, month + 12] : [year, month];
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leaps + Math.floor((153 * (m - 3) + 2) / 5) + day - 1 - 719468;
}

function civil(date: number): [year: number, month: number, day: number] {
  let n = date + 719468;
  const cycle = Math.floor(n / 146097);
  n -= cycle * 146097;
  const y = Math.floor((n - Math.floor(n / 1460) + Math.floor(n / 36524) - Math.floor(n / 146096)) / 365);
  n -= 365 * y + Math.floor(y / 4) - Math.floor(y / 100);
  const m = Math.floor((5 * n + 2) / 153);
  const day = n - Math.floor((153 * m + 2) / 5) + 1;
  return m + 3 > 12 ? [400 * cycle + y + 1, m - 9, day] : [400 * cycle + y, m + 3, day];
}

/** readDate reads "2006-01-02" of any year; undefined for anything else. */
export function readDate(v: unknown): number | undefined {
  const m = typeof v === "string" ? /^(\d{4})-(\d\d)-(\d\d)$/.exec(v) : null;
  if (!m) return undefined;
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])];
  return month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ? undefined : dayOf(year, month, day);
}

const [firstDay, lastDay] = [dayOf(2000, 1, 1), dayOf(2199, 12, 31)];

/** parseDate reads a date of the years 2000 to 2199; undefined for anything else. Those of a plan may be later. */
export function parseDate(v: unknown): number | undefined {
  const day = readDate(v);
  return day === undefined || day < firstDay || day > lastDay ? undefined : day;
}

/** dateText writes a date as "2006-01-02". */
export function dateText(date: number): string {
  const [year, month, day] = civil(date);
  const digits = (n: number, many: number) => String(n).padStart(many, "0");
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

/**
 * addMonths returns the same day so many months later, or the last day of that month where it is shorter. With last, it
 * is the last day of that month if the date is the last day of its own.
 */
export function addMonths(date: number, n: number, last: boolean): number {
  const [year, month, day] = civil(date);
  const months = 12 * year + month - 1 + n;
  const end = daysIn(Math.floor(months / 12), (months % 12) + 1);
  const toEnd = last && day === daysIn(year, month);
  return dayOf(Math.floor(months / 12), (months % 12) + 1, toEnd ? end : Math.min(day, end));
}
