#!/bin/bash
# writers.sh NUMBER COUNT DIRECTORY SOURCE LOG [PID]: runs COUNT short-lived writers, one after the other, and writes down
# which process made which file: KIND NUMBER INDEX PID. What they need must be there: `prepare` as COUNT makes it.
# With PID every writer gets that number, if nobody else has it.
number=$1 count=$2 directory=$3 source=$4 log=$5 wanted=$6
kinds=(touch cp mv rm redirect sh subshell)
for ((i = 0; i < count; i++)); do
    kind=${kinds[i % 7]}
    file=$directory/$kind-$number-$i
    [ -n "$wanted" ] && echo $((wanted - 1)) > /proc/sys/kernel/ns_last_pid
    case $kind in
    touch) touch "$file" & ;;
    cp) cp "$source" "$file" & ;;
    mv) mv "$directory/from-$number-$i" "$file" & ;;
    rm) rm "$file" & ;;
    redirect) /bin/true > "$file" & ;;
    sh) sh -c "echo x > '$file'" & ;;
    subshell) (echo x > "$file") & ;;
    esac
    echo "$kind $number $i $!" >> "$log"
    wait $!
done
