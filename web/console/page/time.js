// Moments, for people: how long ago, and exactly.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const sameYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function ago(text, now = Date.now()) {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return "";
  const past = now - at;
  if (past < MINUTE) return "now"; // the clock of the service may be a little ahead of ours
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h`;
  if (past < 7 * DAY) return `${Math.floor(past / DAY)} d`;
  const day = new Date(at);
  const format = day.getFullYear() === new Date(now).getFullYear() ? sameYear : otherYear;
  return format.format(day);
}

export function exactly(text) {
  const at = Date.parse(text);
  return Number.isNaN(at) ? "" : exact.format(at);
}

// Today the time is enough, before that the day is wanted as well.
export function moment(text, now = Date.now()) {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return "";
  const time = clock.format(at);
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? time : `${sameYear.format(at)}, ${time}`;
}
