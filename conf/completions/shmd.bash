# bash completion for shmd(8)

_shmd() {
    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
    # '=' breaks words: --memfd=y comes as "--memfd" "=" "y".
    if [[ $word == = ]]; then
        word=
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    local choices=
    case $option in
        --config | --socket | --stats-file)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --device) choices='auto hw: virtual' ;;
        --log-level) choices='error warn info debug' ;;
        --memfd) choices='yes no' ;;
        --record | --monitor | --direct | --direct-trusted) choices='no yes same_user' ;;
        --fallback | --idle-timeout-ms | --realtime-priority | --cycle-max-us | --gain) ;;
        --max-clients | --max-clients-per-user) ;;
        --max-memory-mib | --max-memory-per-user-mib) ;;
        *)
            choices='--socket= --device= --log-level= --stats-file= --memfd=
                --record= --monitor= --direct= --direct-trusted= --fallback= --idle-timeout-ms=
                --realtime-priority= --cycle-max-us= --max-clients=
                --max-clients-per-user= --max-memory-mib=
                --max-memory-per-user-mib= --gain= --config= --help --version'
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _shmd shmd
