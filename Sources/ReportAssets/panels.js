// What happened in the chosen range: tables, process trees, commits, gaps.

function drawTable(table) {
    const part = section(`table-${table.key}`, table.title);
    const bar = part.append("p");
    let wanted = "";
    let isLong = false;
    bar.append("input").attr("type", "search").attr("placeholder", "Find in names").attr("aria-label", "Find in names")
        .on("input", function () {
            wanted = this.value;
            draw();
        });
    const more = bar.append("button").attr("type", "button").on("click", () => {
        isLong = !isLong;
        draw();
    });
    const list = part.append("table");
    const head = list.append("thead").append("tr");
    const operations = table.key === "op" ? "" : "Operations";
    for (const title of ["Events", "", table.title, operations, "First of all", "Last of all"]) {
        head.append("th").text(title);
    }
    const body = list.append("tbody");
    const short = 12;

    function draw() {
        const all = ranked(table);
        const found = all.filter((entry) => entry.row.name.includes(wanted));
        const most = all.length > 0 ? all[0].count : 1;
        const shown = isLong ? found : found.slice(0, short);
        more.text(isLong ? "Fewer" : `All ${found.length}`).property("hidden", found.length <= short);
        body.selectAll("*").remove();
        for (const {row, count} of shown) {
            const line = body.append("tr");
            line.append("td").attr("class", "count").text(number(count));
            line.append("td").append("meter").attr("max", most).attr("value", count);
            line.append("td").attr("class", "name").text(row.name);
            line.append("td").text(row.ops || "");
            line.append("td").text(row.first === undefined ? "" : clock(row.first));
            line.append("td").text(row.last === undefined ? "" : clock(row.last));
        }
        const others = sum(table.others);
        if (others > 0) {
            const line = body.append("tr").attr("class", "others");
            line.append("td").attr("class", "count").text(number(others));
            line.append("td");
            line.append("td").attr("colspan", 4).text(
                "of others, which have fewer events in the whole range and are not told apart here");
        }
        if (found.length === 0 && others === 0) body.append("tr").append("td").attr("colspan", 6).text("None.");
    }
    onChange(draw);
}

// The processes with events in the range, below those that started them.
function drawTrees() {
    const rows = (report.tables.find((table) => table.key === "process") || {rows: []}).rows;
    const part = section("trees", "Process trees");
    const hint = part.append("p").attr("class", "hint");
    const holder = part.append("div");
    onChange(() => {
        const counts = report.processes.map((process) => (process.row === undefined ? 0 : sum(rows[process.row].cells)));
        const totals = counts.slice();
        const children = report.processes.map(() => []);
        const roots = [];
        // Parents come first, so that from the end each total is whole before it is passed on.
        for (let index = report.processes.length - 1; index >= 0; index -= 1) {
            const parent = report.processes[index].parent;
            if (parent === undefined) {
                roots.push(index);
            } else {
                totals[parent] += totals[index];
                children[parent].push(index);
            }
        }
        const byTotal = (left, right) => totals[right] - totals[left];
        holder.selectAll("*").remove();
        const pending = [[roots, holder]];
        while (pending.length > 0) {
            const [indices, place] = pending.pop();
            const shown = indices.filter((index) => totals[index] > 0).sort(byTotal);
            if (shown.length === 0) continue;
            const list = place.append("ul");
            for (const index of shown) {
                const process = report.processes[index];
                const item = list.append("li");
                item.append("span").attr("class", "process")
                    .text(`${process.comm || "?"}[${process.pid}] ${process.cmdline || process.script || process.exe || ""}`);
                item.append("span").attr("class", "hint").text(
                    ` ${process.user === undefined ? "" : `${process.user}, `}${counted(counts[index], "event")}`
                    + (totals[index] > counts[index] ? `, ${number(totals[index])} with those below` : "")
                    + (process.start === undefined ? "" : `, since ${clock(process.start)}`));
                pending.push([children[index], item]);
            }
        }
        hint.text(totals.some((total) => total > 0)
            ? "Those of the table of processes, and the ancestors that are known of them." : "None.");
    });
}

function drawCommits() {
    if (report.databases.length === 0) return;
    const part = section("commits", "Commits of databases");
    const summary = part.append("ul");
    for (const database of report.databases) {
        summary.append("li").text(`${database.name}: ${counted(database.commits, "commit")}, `
            + `${counted(database.pages, "page")}, ${counted(database.bytes, "byte")} stored (${database.condition})`);
    }
    const hint = part.append("p").attr("class", "hint");
    const list = part.append("table");
    const head = list.append("thead").append("tr");
    for (const title of ["Time", "Database", "Commit", "Pages", "Bytes", "Written by", ""]) head.append("th").text(title);
    const body = list.append("tbody");
    onChange(() => {
        body.selectAll("*").remove();
        const found = report.commits.filter((commit) => meets(commit.low, commit.high));
        for (const commit of found.slice(-100)) {
            const line = body.append("tr");
            line.append("td").text(clock(commit.high));
            line.append("td").attr("class", "name").text(report.databases[commit.db].name);
            for (const count of [commit.number, commit.pages, commit.bytes]) {
                line.append("td").attr("class", "count").text(number(count));
            }
            line.append("td").attr("class", "name").text(commit.writers);
            line.append("td").text(commit.by === "exact" ? "" : commit.by);
        }
        hint.text(report.commits.length < report.commitCount
            ? `The last ${report.commits.length} of ${number(report.commitCount)} can be listed; at most 100 are.`
            : "At most 100 are listed.");
    });
}

function drawGaps() {
    const part = section("gaps", "Gaps");
    if (report.gaps.length < report.gapCount) {
        part.append("p").attr("class", "hint").text(
            `The first ${report.gaps.length} of ${number(report.gapCount)} are listed; all are on the timeline.`);
    }
    const list = part.append("table");
    const head = list.append("thead").append("tr");
    for (const title of ["From", "To", "What", "Events", "Where", "Why"]) head.append("th").text(title);
    const body = list.append("tbody");
    onChange(() => {
        body.selectAll("*").remove();
        const found = report.gaps.filter((gap) => meets(gap.from, gap.to));
        for (const gap of found) {
            const line = body.append("tr");
            line.append("td").text(clock(gap.from));
            line.append("td").text(clock(gap.to));
            line.append("td").text(gap.type);
            line.append("td").attr("class", "count").text(gap.count === undefined ? "?" : number(gap.count));
            line.append("td").attr("class", "name").text(gap.scope || "everywhere");
            line.append("td").attr("class", "name").text(gap.cause);
        }
        if (found.length === 0) body.append("tr").append("td").attr("colspan", 6).text("None in this range.");
    });
}

for (const table of tables) if (table.key !== "db") drawTable(table);
drawTrees();
drawCommits();
drawGaps();
