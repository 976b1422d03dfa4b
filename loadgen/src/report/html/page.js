// What is under the pointer, in words. The page is complete without it: it only saves counting columns.
const reports = [...document.querySelectorAll("script.report")].map((element) => JSON.parse(element.textContent));

const digits = (value) => Number(value.toPrecision(4)).toString();
const duration = (ns) => {
  const [divisor, unit] = ns < 1e3 ? [1, "ns"] : ns < 1e6 ? [1e3, "µs"] : ns < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  return `${digits(ns / divisor)} ${unit}`;
};
const number = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, " ");
const within = (event) => {
  const area = event.currentTarget.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - area.left) / area.width));
};
const showCursors = (areas, part) => areas.forEach((area) => {
  const cursor = area.querySelector(".cursor");
  cursor.style.display = part === null ? "none" : "block";
  cursor.style.left = `${(part ?? 0) * 100}%`;
});

const timeline = reports.length === 1 && reports[0].timeline;
const readout = document.querySelector(".readout");
if (timeline && readout) {
  const areas = document.querySelectorAll(".time .drawing");
  const intervals = timeline.intervals;
  const end = timeline.seconds || (intervals.at(-1)?.at_seconds ?? 0) + timeline.interval_seconds;
  const say = (it) => [
    `at ${digits(it.at_seconds)} s: ${number(it.publishes)} published`,
    `${number(it.deliveries)} of ${number(it.expected)} delivered`,
    it.latency.count ? `p50 ${duration(it.latency.p50_ns)}, p99 ${duration(it.latency.p99_ns)}, max ${duration(it.latency.max_ns)}` : "no latency",
    `${number(it.connections)} connections`,
    it.errors ? `${number(it.errors)} errors` : "no error",
  ].join(" · ");
  areas.forEach((area) => {
    area.addEventListener("pointermove", (event) => {
      const part = within(event);
      const interval = intervals.findLast((it) => it.at_seconds <= part * end) ?? intervals[0];
      showCursors(areas, part);
      readout.hidden = false;
      readout.textContent = say(interval);
    });
    area.addEventListener("pointerleave", () => showCursors(areas, null));
  });
}
