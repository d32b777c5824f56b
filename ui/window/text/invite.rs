//! What the question before joining a group says.

use super::Language;

/// The sentences of the question.
#[derive(Debug)]
pub(crate) struct InviteText {
    /// The question.
    pub title: &'static str,
    /// What joining means.
    pub meaning: &'static str,
    /// That another group is left by it.
    pub leaves_other: &'static str,
    /// Where the group's name service is.
    pub names: fn(&str) -> String,
    /// Join.
    pub join: &'static str,
    /// Join, and leave the other group.
    pub join_and_leave: &'static str,
    /// Do not.
    pub not_now: &'static str,
    /// It did not work.
    pub failed: fn(&str) -> String,
}

const ENGLISH: InviteText = InviteText {
    title: "Join this group?",
    meaning: "Its members see the files that you share, and you see theirs. Join only if you know who sent you the link",
    leaves_other: "This computer belongs to another group, and leaves it for good. Shared folders stay shared, in the new group",
    names: |addresses| format!("The group is found at {addresses}"),
    join: "Join the group",
    join_and_leave: "Leave the other group and join",
    not_now: "Not now",
    failed: |why| format!("Could not join: {why}"),
};

const PORTUGUESE: InviteText = InviteText {
    title: "Entrar neste grupo?",
    meaning: "Os membros veem os arquivos que você compartilha, e você vê os deles. Entre só se souber quem mandou o link",
    leaves_other: "Este computador pertence a outro grupo, e o deixa de vez. As pastas compartilhadas continuam, no grupo novo",
    names: |addresses| format!("O grupo fica em {addresses}"),
    join: "Entrar no grupo",
    join_and_leave: "Deixar o outro grupo e entrar",
    not_now: "Agora não",
    failed: |why| format!("Não foi possível entrar: {why}"),
};

impl InviteText {
    /// The sentences in a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Portuguese => &PORTUGUESE,
        }
    }
}
