"use strict";

// What the report holds, and the range of time that is looked at. Texts come from names that anybody could choose: they
// are only ever given to the document as text.
const report = JSON.parse(document.getElementById("data").textContent);

const titles = {
    op: "Operations", exe: "Programs", process: "Processes", user: "Users", dir: "Directories", path: "Files",
    db: "Database commits",
};

// Buckets from ..< until; who is called when they change.
const range = {from: 0, until: report.axis.count, listeners: []};

const tables = report.tables.map((table) => ({...table, title: titles[table.key]}));
if (report.databases.length > 0) {
    tables.push({key: "db", title: titles.db, rows: report.databases, others: [], otherGroups: report.hiddenDatabases});
}

function choose(from, until) {
    range.from = Math.max(0, Math.min(from, report.axis.count - 1));
    range.until = Math.max(range.from + 1, Math.min(until, report.axis.count));
    for (const listener of range.listeners) listener();
}

function onChange(listener) {
    range.listeners.push(listener);
    listener();
}

// Microseconds since 1970 of the beginning of a bucket.
function start(bucket) {
    return report.axis.from + bucket * report.axis.width;
}

function date(microseconds) {
    return new Date(microseconds / 1000);
}

// The sum of a row's counts in the range. Cells are pairs of bucket and count.
function sum(cells, from = range.from, until = range.until) {
    let total = 0;
    for (let index = 0; index < cells.length; index += 2) {
        if (cells[index] >= from && cells[index] < until) total += cells[index + 1];
    }
    return total;
}

function isWhole() {
    return range.from === 0 && range.until === report.axis.count;
}

// True where two stretches of time, or a moment and one, meet the range.
function meets(from, to) {
    return from < start(range.until) && Math.max(to, from) >= start(range.from);
}

// UTC to the microsecond.
function clock(microseconds) {
    const second = Math.floor(microseconds / 1e6);
    const text = new Date(second * 1000).toISOString().slice(0, 19).replace("T", " ");
    const rest = Math.round(microseconds - second * 1e6);
    return rest === 0 ? text : `${text}.${String(rest).padStart(6, "0")}`;
}

const number = d3.format(",");

function counted(count, word) {
    return `${number(count)} ${word}${count === 1 ? "" : "s"}`;
}

// The rows of a table with their counts in the range, most first; rows without any are left out.
function ranked(table) {
    return table.rows.map((row) => ({row, count: sum(row.cells)})).filter((entry) => entry.count > 0)
        .sort((left, right) => right.count - left.count);
}

const main = d3.select("#report");

// A part of the page with its heading.
function section(id, title) {
    const part = main.append("section").attr("id", id);
    part.append("h2").text(title);
    return part;
}
