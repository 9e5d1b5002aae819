// SPDX-License-Identifier: GPL-2.0-or-later
// The page of sno-plan show. Data come from the element #data (plan/page.c says what they are),
// land from LAND. Nothing is fetched.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const RADIUS = 6378.135, TURN = 2 * Math.PI, EARTH_RATE = 7.29211514670698e-5;
const DEGREE = Math.PI / 180;
const TENTH = 10;			// associations and steps are in tenths of a second
const LAT_TOP = 84, LAT_BOTTOM = -72;	// what the map shows

// ---- orbits ---------------------------------------------------------------------------------

// Kepler's ellipse with the plane, the perigee and the anomaly drifting as SGP4 has them drift:
// within some kilometres of SGP4, which no eye can see on a map.
const satellites = data.satellites.map(([name, owner, axis, e, i, m, mDot, w, wDot, o, oDot]) =>
	({name, owner, axis, e, sinI: Math.sin(i), cosI: Math.cos(i), m, mDot, w, wDot, o, oDot,
	  lat: 0, lon: 0, radius: axis}));

function locate(s, t) {
	const m = (s.m + s.mDot * t) % TURN;
	let big = m + s.e * Math.sin(m);
	for (let n = 0; n < 3 && s.e > 1e-4; n++)
		big -= (big - s.e * Math.sin(big) - m) / (1 - s.e * Math.cos(big));
	const x = Math.cos(big) - s.e, y = Math.sqrt(1 - s.e * s.e) * Math.sin(big);
	const u = s.w + s.wDot * t + Math.atan2(y, x);
	const node = s.o + s.oDot * t - data.gmst - EARTH_RATE * t;
	const lat = Math.asin(Math.sin(u) * s.sinI);
	const lon = node + Math.atan2(Math.sin(u) * s.cosI, Math.cos(u));
	s.radius = s.axis * (1 - s.e * Math.cos(big));
	s.lat = Math.atan(Math.tan(lat) / 0.99330562) / DEGREE;	// geodetic
	s.lon = ((lon / DEGREE + 180) % 360 + 360) % 360 - 180;
}

// ---- associations and steps ---------------------------------------------------------------

// Rows of four numbers: when it begins after the end of the one before, how long it lasts, and what
// it is: of a satellite the station and the neighbour that relays it, of a place satellite and core.
function unpack(flat) {
	const rows = [];
	let at = 0;
	for (let n = 0; n < flat.length; n += 4) {
		const from = at + flat[n], until = from + flat[n + 1];
		rows.push({from: from / TENTH, until: until / TENTH, what: flat[n + 2], core: flat[n + 3],
			   via: flat[n + 3]});
		at = until;
	}
	return rows;
}

// The row that holds at time t, or undefined.
function rowAt(rows, t) {
	let low = 0, high = rows.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (rows[middle].until <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rows.length && rows[low].from <= t ? rows[low] : undefined;
}

const stations = data.stations.map(([name, core, lat, lon]) => ({name, core, lat, lon}));
satellites.forEach((s, i) => { s.rows = unpack(data.associations[i]); });
// A number behind the stations' is a core whose station is not told.
const coreOf = what => what < stations.length ? stations[what].core : what - stations.length;
const sites = data.sites.map(([lat, lon, weight]) => ({lat, lon, weight}));
const places = data.places.map(p => ({...p, rows: unpack(p.steps)}));

// ---- words ------------------------------------------------------------------------------------

const two = n => String(n).padStart(2, "0");
const clock = (t, seconds = true) => {
	const d = new Date(data.start + Math.round(t * 1000));
	return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${seconds ? ":" + two(d.getUTCSeconds()) : ""}`;
};
const day = t => new Date(data.start + t * 1000).toISOString().slice(0, 10);
const span = s => s >= 90 ? `${Math.floor(s / 60)} min ${two(Math.round(s % 60) % 60)} s` : `${s.toFixed(1)} s`;
const percent = x => `${(100 * x).toFixed(1)}%`;
const where = p => `${Math.abs(p.lat).toFixed(1)}° ${p.lat < 0 ? "S" : "N"}, ` +
	`${Math.abs(p.lon).toFixed(1)}° ${p.lon < 0 ? "W" : "E"}`;

function element(name, text, attributes = {}) {
	const e = document.createElement(name);
	e.textContent = text;
	Object.assign(e, attributes);
	return e;
}

function swatch(core) {
	const e = element("span", "", {className: "swatch"});
	e.style.background = `var(--core${core % 8})`;
	return e;
}

// ---- state --------------------------------------------------------------------------------------

let now = 0, place = 0, playing = false, hovered = null, colours = {};

function readColours() {
	const style = getComputedStyle(document.documentElement);
	for (const name of ["sea", "land", "coast", "grid", "ink", "quiet", "card", "rule"])
		colours[name] = style.getPropertyValue("--" + name).trim();
	colours.cores = data.cores.map((_, i) => style.getPropertyValue(`--core${i % 8}`).trim());
}

// A canvas in the pixels of the screen; returns its context and its size in those of the page.
function prepare(canvas) {
	const width = canvas.clientWidth, height = canvas.clientHeight, ratio = window.devicePixelRatio || 1;
	if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
		canvas.width = Math.round(width * ratio);
		canvas.height = Math.round(height * ratio);
	}
	const context = canvas.getContext("2d");
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	return [context, width, height];
}

// ---- map ------------------------------------------------------------------------------------------

let width = 1, height = 1, background = null;
const mapX = lon => (lon + 180) / 360 * width;
const mapY = lat => (LAT_TOP - lat) / (LAT_TOP - LAT_BOTTOM) * height;
const markScale = () => Math.max(0.65, Math.min(1, width / 900)) *
	(satellites.length > 3000 ? 0.5 : satellites.length > 800 ? 0.75 : 1);

function drawRing(c, ring, shift) {
	let x = shift, y = 0, west = Infinity, east = -Infinity;
	c.beginPath();
	for (let n = 0; n < ring.length; n += 2) {
		x += ring[n];
		y += ring[n + 1];
		west = Math.min(west, x);
		east = Math.max(east, x);
		c.lineTo(mapX(x / 10), mapY(y / 10));
	}
	if (east < -1800 || west > 1800)
		return;
	c.closePath();
	c.fill();
	c.stroke();
}

// Sea, land and what does not move: drawn once for a size.
function drawBackground(canvas) {
	background = document.createElement("canvas");
	background.width = canvas.width;
	background.height = canvas.height;
	const c = background.getContext("2d"), ratio = canvas.width / width;
	c.setTransform(ratio, 0, 0, ratio, 0, 0);
	c.fillStyle = colours.sea;
	c.fillRect(0, 0, width, height);
	c.strokeStyle = colours.grid;
	c.lineWidth = 1;
	c.beginPath();
	for (let lon = -150; lon < 180; lon += 30) {
		c.moveTo(mapX(lon), 0);
		c.lineTo(mapX(lon), height);
	}
	for (let lat = -60; lat < 90; lat += 30) {
		c.moveTo(0, mapY(lat));
		c.lineTo(width, mapY(lat));
	}
	c.stroke();
	c.fillStyle = colours.land;
	c.strokeStyle = colours.coast;
	c.lineWidth = 0.8;
	for (const ring of LAND)
		for (const shift of [-3600, 0, 3600])
			drawRing(c, ring, shift);
	const most = Math.max(...sites.map(s => s.weight), 1e-9);
	c.fillStyle = colours.quiet;
	for (const s of sites) {
		const r = (1 + 1.6 * Math.sqrt(s.weight / most)) * Math.max(0.7, Math.min(1, width / 900));
		c.globalAlpha = 0.75;
		c.fillRect(mapX(s.lon) - r, mapY(s.lat) - r, 2 * r, 2 * r);
	}
	c.globalAlpha = 1;
}

function triangle(c, x, y, r) {
	c.beginPath();
	c.moveTo(x, y - r);
	c.lineTo(x + r, y + 0.8 * r);
	c.lineTo(x - r, y + 0.8 * r);
	c.closePath();
}

// A line between two places, the short way round.
function link(c, a, b) {
	const x = mapX(a.lon);
	let dx = mapX(b.lon) - x;
	if (Math.abs(dx) > width / 2)
		dx -= Math.sign(dx) * width;
	for (const shift of [0, -width, width]) {
		c.moveTo(x + shift, mapY(a.lat));
		c.lineTo(x + dx + shift, mapY(b.lat));
	}
}

// What stands above the least elevation at a satellite's nadir, as a closed line of [lon, lat].
function footprint(s) {
	const least = data.min_elevation * DEGREE;
	const angle = Math.acos(RADIUS / s.radius * Math.cos(least)) - least;
	const lat = s.lat * DEGREE, points = [];
	for (let n = 0; n <= 72; n++) {
		const way = n / 72 * TURN;
		const other = Math.asin(Math.sin(lat) * Math.cos(angle) + Math.cos(lat) * Math.sin(angle) * Math.cos(way));
		const turn = Math.atan2(Math.sin(way) * Math.sin(angle) * Math.cos(lat),
					Math.cos(angle) - Math.sin(lat) * Math.sin(other));
		points.push([s.lon + turn / DEGREE, other / DEGREE]);
	}
	return points;
}

function drawFootprint(c, s) {
	for (const shift of [0, -360, 360]) {
		let last = null;
		c.beginPath();
		for (const [lon, lat] of footprint(s)) {
			if (last !== null && Math.abs(lon - last) > 180)
				c.moveTo(mapX(lon + shift), mapY(lat));
			else
				c.lineTo(mapX(lon + shift), mapY(lat));
			last = lon;
		}
		c.stroke();
	}
}

function drawMap() {
	const canvas = $("map");
	let c;
	[c, width, height] = prepare(canvas);
	if (!background || background.width !== canvas.width || background.height !== canvas.height)
		drawBackground(canvas);
	c.drawImage(background, 0, 0, width, height);
	const scale = markScale(), groups = data.cores.map(() => []), idle = [];
	for (const s of satellites) {
		locate(s, now);
		s.row = rowAt(s.rows, now);
		(s.row ? groups[coreOf(s.row.what)] : idle).push(s);
	}
	c.lineWidth = 0.8;
	if ($("links").checked) {
		c.globalAlpha = satellites.length > 800 ? 0.35 : 0.6;
		groups.forEach((group, core) => {
			c.strokeStyle = colours.cores[core];
			c.beginPath();
			for (const s of group)
				if (s.row.what < stations.length) {
					const over = satellites[s.row.via] || s;
					link(c, over, stations[s.row.what]);
					link(c, s, over);
				}
			c.stroke();
		});
		c.globalAlpha = 1;
	}
	for (const s of stations) {
		triangle(c, mapX(s.lon), mapY(s.lat), 5 * Math.max(0.7, scale));
		c.fillStyle = colours.cores[s.core];
		c.fill();
		c.strokeStyle = colours.card;
		c.stroke();
	}
	c.strokeStyle = colours.quiet;
	c.beginPath();
	for (const s of idle) {
		c.moveTo(mapX(s.lon) + 3 * scale, mapY(s.lat));
		c.arc(mapX(s.lon), mapY(s.lat), 3 * scale, 0, TURN);
	}
	c.globalAlpha = satellites.length > 800 ? 0.55 : 0.9;
	c.stroke();
	c.globalAlpha = 1;
	groups.forEach((group, core) => {
		c.fillStyle = colours.cores[core];
		c.strokeStyle = colours.card;
		c.beginPath();
		for (const s of group) {
			c.moveTo(mapX(s.lon) + 4.5 * scale, mapY(s.lat));
			c.arc(mapX(s.lon), mapY(s.lat), 4.5 * scale, 0, TURN);
		}
		c.stroke();
		c.fill();
	});
	drawPlace(c);
	$("cores").querySelectorAll("b").forEach((b, core) => { b.textContent = groups[core].length; });
}

// The chosen place, the satellite that serves it, and what that sees.
function drawPlace(c) {
	if (!places.length)
		return;
	const p = places[place], site = sites[p.site], row = rowAt(p.rows, now);
	const shown = row ? satellites[row.what] : null;
	c.lineWidth = 1.6;
	c.strokeStyle = row ? colours.cores[row.core] : colours.quiet;
	if (shown) {
		drawFootprint(c, shown);
		c.beginPath();
		link(c, site, shown);
		c.stroke();
	}
	if (hovered && hovered !== shown && hovered.rows)
		drawFootprint(c, hovered);
	c.strokeStyle = colours.ink;
	c.beginPath();
	c.arc(mapX(site.lon), mapY(site.lat), 6, 0, TURN);
	c.stroke();
}

// ---- timeline ---------------------------------------------------------------------------------------

// What part of time is drawn: all of it, or two hours about the present.
function shownSpan() {
	const length = Math.min(data.seconds, 7200);
	const from = Math.max(0, Math.min(now - length / 3, data.seconds - length));
	return [from, from + length];
}

// The text, or what is behind its last hyphen, if there is room for it.
function label(c, text, x, room, y) {
	const fits = [text, text.split("-").pop()].find(t => c.measureText(t).width <= room - 8);
	if (fits)
		c.fillText(fits, x + 4, y);
}

const LINE_LEFT = 2;

function drawLine() {
	const [c, w, h] = prepare($("line"));
	const [from, until] = shownSpan(), x = t => LINE_LEFT +
		Math.round((t - from) / (until - from) * (w - 2 * LINE_LEFT));
	c.clearRect(0, 0, w, h);
	if (!places.length)
		return;
	c.font = `12px ${getComputedStyle(document.body).fontFamily}`;
	c.textBaseline = "middle";
	c.fillStyle = colours.sea;
	c.fillRect(x(from), 20, x(until) - x(from), 30);
	c.fillRect(x(from), 54, x(until) - x(from), 26);
	let last = null, stripe = 0;
	for (const row of places[place].rows) {
		if (row.until < from || row.from > until)
			continue;
		const a = x(Math.max(row.from, from)), b = x(Math.min(row.until, until));
		c.fillStyle = colours.cores[row.core];
		c.fillRect(a, 20, b - a, 30);
		if (last === null || last.what !== row.what)
			stripe ^= 1;
		c.globalAlpha = stripe ? 0.5 : 0.25;
		c.fillRect(a, 54, b - a, 26);
		c.globalAlpha = 1;
		c.fillStyle = colours.card;
		if (last !== null && last.core !== row.core)
			c.fillRect(a - 1, 18, 2, 34);
		c.fillStyle = colours.ink;
		label(c, satellites[row.what].name, a, b - a, 67);
		last = row;
	}
	// Names of cores go over whole runs.
	const rows = places[place].rows.filter(r => r.until >= from && r.from <= until);
	c.fillStyle = colours.card;
	c.font = `600 ${c.font}`;
	for (let i = 0, begin; i < rows.length; i++) {
		if (i === 0 || rows[i].core !== rows[i - 1].core || rows[i].from > rows[i - 1].until + 1)
			begin = rows[i].from;
		if (i + 1 === rows.length || rows[i + 1].core !== rows[i].core || rows[i + 1].from > rows[i].until + 1) {
			const a = x(Math.max(begin, from)), b = x(Math.min(rows[i].until, until));
			label(c, data.cores[rows[i].core], a, b - a, 35);
		}
	}
	c.font = c.font.replace("600 ", "");
	drawAxis(c, from, until, x, w);
	c.fillStyle = colours.ink;
	c.fillRect(x(now) - 1, 12, 2, 72);
}

function drawAxis(c, from, until, x, w) {
	const steps = [60, 300, 600, 900, 1800, 3600];
	const step = steps.find(s => (until - from) / s * 58 < w) || 7200;
	const first = Math.ceil((data.start / 1000 + from) / step) * step - data.start / 1000;
	c.fillStyle = colours.quiet;
	c.textAlign = "center";
	for (let t = first; t <= until; t += step) {
		c.fillRect(x(t), 84, 1, 5);
		if (x(t) > 18 && x(t) < w - 18)
			c.fillText(clock(t, false), x(t), 99);
	}
	c.textAlign = "left";
}

// ---- the place's words ------------------------------------------------------------------------------

function summarise() {
	if (!places.length)
		return;
	const p = places[place], all = data.seconds;
	let home = 0, served = 0, cores = 0, changes = 0;
	p.rows.forEach((row, i) => {
		served += row.until - row.from;
		home += row.core === p.home ? row.until - row.from : 0;
		cores += i > 0 && row.core !== p.rows[i - 1].core;
		changes += i > 0 && row.what !== p.rows[i - 1].what;
	});
	$("summary").textContent = `${cores} change${cores === 1 ? "" : "s"} of core, ${changes} of satellite; ` +
		`at home ${percent(home / all)} of the time, served ${percent(served / all)}`;
}

let listed = "";

function listSteps() {
	if (!places.length)
		return;
	const rows = places[place].rows;
	let first = rows.findIndex(r => r.until > now);
	if (first < 0)
		first = rows.length;
	first = Math.max(0, Math.min(first - 1, rows.length - 7));
	const key = `${place} ${first} ${rowAt(rows, now)?.from}`;
	if (key === listed)
		return;
	listed = key;
	$("steps").tBodies[0].replaceChildren(...rows.slice(first, first + 7).map(row => {
		const tr = document.createElement("tr"), core = document.createElement("td");
		tr.className = row.from <= now && now < row.until ? "now" : "";
		core.append(swatch(row.core), data.cores[row.core] + (row.core === places[place].home ? " (home)" : ""));
		tr.append(element("td", clock(row.from)), element("td", clock(row.until)),
			  element("td", span(row.until - row.from), {className: "number"}),
			  element("td", satellites[row.what].name), core);
		return tr;
	}));
}

// ---- figures ------------------------------------------------------------------------------------------

const FIGURES = [
	["inter_sno_per_user_hour", "changes of core per user and hour", x => x.toFixed(3)],
	["handovers_per_user_hour", "changes of satellite or core", x => x.toFixed(2)],
	["home_share", "time at home", percent],
	["served_share", "time served", percent],
	["association_changes_per_satellite_hour", "associations per satellite and hour", x => x.toFixed(2)],
	["objective", "J", x => x.toFixed(4)],
];
const WAYS = [["figure2", "figure 2"], ["figure2_planned_terminals", "figure 2, terminals look ahead"],
	      ["naive", "naive"], ["plan", "this plan"], ["bound", "bound"]];

function showFigures() {
	const ways = WAYS.filter(([key]) => data.figures && data.figures[key]);
	if (!ways.length)
		return;
	const table = $("figures").querySelector("table"), head = document.createElement("tr");
	head.append(element("th", ""), ...ways.map(([, name]) => element("th", name, {className: "number"})));
	table.tHead.replaceChildren(head);
	table.tBodies[0].replaceChildren(...FIGURES.map(([key, name, text]) => {
		const tr = document.createElement("tr");
		tr.append(element("th", name, {scope: "row"}), ...ways.map(([way]) => {
			const value = data.figures[way][key];
			return element("td", typeof value === "number" ? text(value) : "",
				       {className: way === "plan" ? "number best" : "number"});
		}));
		return tr;
	}));
	$("figures").hidden = false;
}

// ---- moving about -----------------------------------------------------------------------------------

function draw() {
	$("clock").textContent = `${day(now)} ${clock(now)} UTC`;
	$("time").value = now;
	drawMap();
	drawLine();
	listSteps();
}

let asked = false;

function redraw() {
	if (asked)
		return;
	asked = true;
	requestAnimationFrame(() => { asked = false; draw(); });
}

function goTo(t) {
	now = Math.max(0, Math.min(data.seconds, t));
	redraw();
}

function choosePlace(n) {
	place = Math.max(0, Math.min(places.length - 1, n));
	$("place").value = place;
	summarise();
	redraw();
}

function play() {
	let last = null;
	playing = !playing;
	$("play").textContent = playing ? "\u23F8" : "\u25B6";
	$("play").setAttribute("aria-label", playing ? "Pause" : "Play");
	const step = at => {
		if (!playing)
			return;
		if (last !== null)
			goTo(now + (at - last) / 1000 * Number($("speed").value));
		last = at;
		if (now >= data.seconds)
			play();
		else
			requestAnimationFrame(step);
	};
	if (playing && now >= data.seconds)
		goTo(0);
	requestAnimationFrame(step);
}

// The nearest of some marks, within `reach` pixels.
function nearest(list, x, y, reach) {
	let best = null, least = reach * reach;
	for (const one of list) {
		const d = (mapX(one.lon) - x) ** 2 + (mapY(one.lat) - y) ** 2;
		if (d < least) {
			least = d;
			best = one;
		}
	}
	return best;
}

function tell(mark) {
	if (mark.rows) {
		const height = `${Math.round(mark.radius - RADIUS)} km`;
		if (!mark.row)
			return `${mark.name}, ${height}\nnot associated`;
		const over = satellites[mark.row.via] ? ` over ${satellites[mark.row.via].name}` : "";
		const station = mark.row.what < stations.length ? `${over} over ${stations[mark.row.what].name}` : "";
		return `${mark.name}, ${height}\nwith ${data.cores[coreOf(mark.row.what)]}${station}\n` +
			`${clock(mark.row.from)} to ${clock(mark.row.until)}`;
	}
	if (mark.name)
		return `${mark.name}\nstation of ${data.cores[mark.core]}`;
	return `${where(mark)}\nusers`;
}

function hover(event) {
	const x = event.offsetX, y = event.offsetY, tip = $("tip");
	const mark = nearest(satellites, x, y, 10) || nearest(stations, x, y, 9) || nearest(sites, x, y, 8);
	if (mark !== hovered) {
		hovered = mark;
		redraw();
	}
	tip.hidden = !mark;
	if (!mark)
		return;
	tip.textContent = tell(mark);
	tip.style.left = `${Math.min(x + 14, width - tip.offsetWidth - 4)}px`;
	tip.style.top = `${Math.min(y + 14, height - tip.offsetHeight - 4)}px`;
}

function click(event) {
	const chosen = sites.map((s, i) => ({...s, i})).filter(s => places.some(p => p.site === s.i));
	const site = nearest(chosen, event.offsetX, event.offsetY, 40);
	if (site)
		choosePlace(places.findIndex(p => p.site === site.i));
}

function start() {
	const counts = [[data.cores.length, "core"], [satellites.length, "satellite"],
			[stations.length, "station"], [sites.length, "site"]];
	const hours = +(data.seconds / 3600).toFixed(2);
	$("about").textContent = `${day(0)} ${clock(0)} UTC, ${hours} hour${hours === 1 ? "" : "s"}` +
		`${data.cut ? " (the plan is longer)" : ""}: ` +
		counts.map(([n, word]) => `${n} ${word}${n === 1 ? "" : "s"}`).join(", ") + " with users";
	$("cores").replaceChildren(...data.cores.map((name, core) => {
		const li = document.createElement("li");
		li.append(swatch(core), name, element("b", "0"));
		return li;
	}));
	$("place").replaceChildren(...places.map((p, i) =>
		element("option", `${where(sites[p.site])}, home ${data.cores[p.home]}`, {value: i})));
	$("places").hidden = !places.length;
	$("time").max = data.seconds;
	$("time").addEventListener("input", e => goTo(Number(e.target.value)));
	$("play").addEventListener("click", play);
	$("links").addEventListener("change", redraw);
	$("place").addEventListener("change", e => choosePlace(Number(e.target.value)));
	$("map").addEventListener("mousemove", hover);
	$("map").addEventListener("mouseleave", () => { hovered = null; $("tip").hidden = true; redraw(); });
	$("map").addEventListener("click", click);
	$("line").addEventListener("click", e => {
		const [from, until] = shownSpan();
		goTo(from + e.offsetX / e.target.clientWidth * (until - from));
	});
	for (const id of ["map", "line"])
		$(id).addEventListener("keydown", e => {
			const way = {ArrowLeft: -1, ArrowRight: 1}[e.key];
			if (way)
				goTo(now + way * (e.shiftKey ? 300 : 15));
		});
	new ResizeObserver(() => { background = null; redraw(); }).observe($("map"));
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
		readColours();
		background = null;
		redraw();
	});
	const wish = new URLSearchParams(location.hash.slice(1));
	now = Math.max(0, Math.min(data.seconds, Number(wish.get("t")) || 0));
	readColours();
	showFigures();
	choosePlace(Number(wish.get("place")) || 0);
	draw();
	document.documentElement.dataset.ready = "yes";
}

start();
