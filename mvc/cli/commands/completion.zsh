#compdef mvc
# Completion of mvc for zsh. mvc says what the word could become; nothing of that is evaluated.

_mvc() {
    local -a answer values shown open_values
    local line value
    answer=("${(@f)$(command mvc __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    answer=("${(@)answer:#}")
    for line in "${answer[@]}"; do
        value=${line%%$'\t'*}
        if [[ $value == */ ]]; then
            open_values+=("$value")
        else
            values+=("$value")
            shown+=("${line/$'\t'/  -- }")
        fi
    done
    if [[ "${(j::)answer}" == *$'\t'* ]]; then
        compadd -l -d shown -- "${values[@]}"
    else
        compadd -- "${values[@]}"
    fi
    compadd -S '' -- "${open_values[@]}"
}

# Sourced: name it. Found in fpath: this file is the function's body, called for the first time.
if [[ "${funcstack[1]}" == _mvc ]]; then
    _mvc "$@"
else
    compdef _mvc mvc
fi
