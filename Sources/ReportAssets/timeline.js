// The timeline, on which a range is chosen, and the heat map below it.

const margin = {left: 280, right: 16, top: 18, bottom: 22};
const width = Math.max(700, Math.min(1500, document.documentElement.clientWidth - 40));
const plotWidth = width - margin.left - margin.right;
const time = d3.scaleUtc().domain([date(start(0)), date(start(report.axis.count))]).range([0, plotWidth]);
const cellWidth = plotWidth / report.axis.count;

function x(microseconds) {
    return time(date(Math.max(start(0), Math.min(microseconds, start(report.axis.count)))));
}

// `above` pixels over the plot, where nothing lies on top, a gap can be pointed at.
function paintGaps(group, height, above) {
    group.selectAll("rect.gap").data(report.missing).join("rect").attr("class", "gap").attr("x", (span) => x(span[0]))
        .attr("y", -above).attr("width", (span) => Math.max(2, x(span[1]) - x(span[0]))).attr("height", height + above)
        .append("title").text((span) => `Something is missing: ${clock(span[0])} to ${clock(span[1])}`);
}

function plot(part, id, label, height) {
    const svg = part.append("svg").attr("id", id).attr("width", width).attr("height", height + margin.top + margin.bottom)
        .attr("role", "img").attr("aria-label", label);
    return svg.append("g").attr("transform", `translate(${margin.left},${margin.top})`);
}

function drawTimeline() {
    const part = section("time", "Timeline");
    const line = part.append("p").attr("id", "chosen");
    const said = line.append("span");
    line.append("button").attr("id", "whole").attr("type", "button").text("Whole range")
        .on("click", () => choose(0, report.axis.count));
    const height = 110;
    const group = plot(part, "timeline", "Events by time, with gaps and notes", height);
    const bars = [];
    for (let index = 0; index < report.events.length; index += 2) {
        bars.push({bucket: report.events[index], count: report.events[index + 1]});
    }
    const most = d3.max(bars, (bar) => bar.count) || 1;
    const y = d3.scaleSqrt().domain([0, most]).range([height, 0]);
    group.append("g").attr("class", "bars").selectAll("rect").data(bars).join("rect")
        .attr("x", (bar) => bar.bucket * cellWidth).attr("width", Math.max(1, cellWidth - 0.5))
        .attr("y", (bar) => y(bar.count)).attr("height", (bar) => height - y(bar.count));
    paintGaps(group.append("g"), height, 8);
    group.append("g").attr("class", "notes").selectAll("path").data(report.notes).join("path")
        .attr("d", (note) => `M${x(note.time)},0l-5,-9h10z`).append("title")
        .text((note) => `${clock(note.time)} ${note.user || "?"}: ${note.text}`);
    group.append("g").attr("transform", `translate(0,${height})`).call(d3.axisBottom(time).ticks(10));
    group.append("g").call(d3.axisLeft(y).ticks(4, "~s"));
    group.append("text").attr("class", "label").attr("x", -margin.left).attr("y", 10)
        .text("Events (UTC; heights by square root)");
    let isMoving = false;
    const brush = d3.brushX().extent([[0, 0], [plotWidth, height]]).on("end", () => {
        if (isMoving || !d3.event.sourceEvent) return;
        const chosen = d3.event.selection;
        if (chosen) choose(Math.round(chosen[0] / cellWidth), Math.round(chosen[1] / cellWidth));
        else choose(0, report.axis.count);
    });
    const brushed = group.append("g").attr("class", "brush").call(brush);
    const sliders = part.append("p").attr("class", "sliders");
    for (const [id, title] of [["from", "From"], ["until", "Until"]]) {
        const label = sliders.append("label").text(`${title} `);
        label.append("input").attr("type", "range").attr("id", id).attr("min", id === "from" ? 0 : 1)
            .attr("max", id === "from" ? report.axis.count - 1 : report.axis.count)
            .on("input", function () {
                if (id === "from") choose(+this.value, Math.max(+this.value + 1, range.until));
                else choose(Math.min(range.from, +this.value - 1), +this.value);
            });
    }
    onChange(() => {
        said.text(`${clock(start(range.from))} to ${clock(start(range.until))} UTC: `
            + `${counted(sum(report.events), "event")} `);
        d3.select("#from").property("value", range.from);
        d3.select("#until").property("value", range.until);
        isMoving = true;
        brushed.call(brush.move, isWhole() ? null : [range.from * cellWidth, range.until * cellWidth]);
        isMoving = false;
    });
}

function drawHeatMap() {
    const part = section("heat", "Activity by time");
    const bar = part.append("p");
    let chosen = tables.find((table) => table.key === "dir") || tables[0];
    bar.append("label").text("By ").append("select").attr("id", "heat-by").on("change", function () {
        chosen = tables.find((table) => table.key === this.value);
        draw();
    }).selectAll("option").data(tables).join("option").attr("value", (table) => table.key)
        .property("selected", (table) => table === chosen).text((table) => table.title);
    bar.append("span").attr("class", "hint").text(" A click on a cell chooses its time.");
    const holder = part.append("div");
    const shown = 24;
    const rowHeight = 17;

    function draw() {
        holder.selectAll("*").remove();
        const entries = ranked(chosen).slice(0, shown);
        const height = Math.max(1, entries.length) * rowHeight;
        const group = plot(holder, "heatmap", "Events by time and name, with gaps", height);
        const cells = [];
        for (const [line, entry] of entries.entries()) {
            for (let index = 0; index < entry.row.cells.length; index += 2) {
                cells.push({line, entry, bucket: entry.row.cells[index], count: entry.row.cells[index + 1]});
            }
        }
        const colour = d3.scaleSequentialSqrt(d3.interpolateYlOrBr).domain([0, d3.max(cells, (cell) => cell.count) || 1]);
        group.append("g").attr("class", "names").selectAll("text").data(entries).join("text").attr("x", -8)
            .attr("y", (entry, line) => line * rowHeight + 13).attr("text-anchor", "end")
            .text((entry) => abridged(entry.row.name)).append("title").text((entry) => entry.row.name);
        group.append("g").attr("class", "cells").selectAll("rect").data(cells).join("rect")
            .attr("x", (cell) => cell.bucket * cellWidth).attr("y", (cell) => cell.line * rowHeight)
            .attr("width", Math.max(1, cellWidth)).attr("height", rowHeight - 1).attr("fill", (cell) => colour(cell.count))
            .classed("outside", (cell) => cell.bucket < range.from || cell.bucket >= range.until)
            .attr("data-bucket", (cell) => cell.bucket).attr("data-count", (cell) => cell.count)
            .on("click", (cell) => choose(cell.bucket, cell.bucket + 1))
            .append("title").text((cell) => `${cell.entry.row.name}\n${clock(start(cell.bucket))}: ${number(cell.count)}`);
        paintGaps(group.append("g"), height, 0);
        group.append("g").attr("transform", `translate(0,${height})`).call(d3.axisBottom(time).ticks(10));
    }
    onChange(draw);
}

// A name as short as its place; the end tells more of a path than its beginning.
function abridged(name) {
    const characters = Array.from(name);
    return characters.length <= 40 ? name : `…${characters.slice(-39).join("")}`;
}

drawTimeline();
drawHeatMap();
