package import Model

/// The processes that may have written a commit, as a JSON array.
package enum ProcessList {
    package static func json(_ processes: [ActorProcess]) -> [UInt8] {
        var json = JSONWriter()
        write(processes, &json)
        return json.bytes
    }

    static func write(_ processes: [ActorProcess], _ json: inout JSONWriter) {
        json.beginArray()
        for process in processes {
            json.beginObject()
            json.key("pid")
            json.integer(process.pid)
            if let exe = process.exe { json.path("exe", raw: "exe_raw", exe.bytes) }
            if let comm = process.comm { json.path("comm", raw: "comm_raw", comm.bytes) }
            if let uid = process.uid {
                json.key("uid")
                json.integer(uid)
            }
            json.endObject()
        }
        json.endArray()
    }
}
