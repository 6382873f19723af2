# Completion of mvc for bash 4.4 and newer. mvc says what the word could become; nothing of that is evaluated.

_mvc() {
    local answer
    mapfile -t answer < <(command mvc __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    COMPREPLY=("${answer[@]:1}")
    if [ "${answer[0]}" = names ]; then
        compopt -o filenames -o noquote  # shown without their directory; mvc has quoted them
    fi
    if [ "${#COMPREPLY[@]}" = 1 ] && [[ ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace
    fi
}

complete -F _mvc mvc
